package io.commslib.core.lifecycle;

import io.commslib.core.CommsException;
import io.commslib.core.Health;
import java.time.Duration;

/**
 * A component that {@link Lifecycle} starts and drains: a relay, a saga engine, a subscription, a
 * server, the calls to other services. Engines implement it; applications pass it to {@link
 * Lifecycle}.
 */
public interface LifecycleComponent {

  /** {@return the name shown in health and logs, unique within one {@link Lifecycle}} */
  String name();

  /**
   * Starts the component and returns when it accepts work. Called once, on the thread that starts
   * the lifecycle.
   *
   * @throws CommsException if it can't start; the lifecycle then closes the components started
   *     before
   */
  void start();

  /**
   * Takes no new work from outside and continues with the work it has. The lifecycle calls it on
   * every component before it drains the first one. Does not wait. Idempotent.
   *
   * <p>The default does nothing, which is right for a component that only publishes what other
   * components write.
   */
  default void stopIntake() {}

  /**
   * Takes no new work and waits until running work has ended, at most for {@code timeout}. Blocks.
   * Repeating it is allowed.
   *
   * @param timeout maximum wait
   * @return whether all work has ended; false leaves work that will be redelivered or taken over
   */
  boolean drain(Duration timeout);

  /** Ends the component and frees threads and connections. Idempotent, bounded, never throws. */
  void close();

  /**
   * Returns the current health. Never blocks.
   *
   * @return the health
   */
  Health health();
}
