package io.commslib.core.lifecycle;

import io.commslib.core.CommsException;
import io.commslib.core.Health;
import java.time.Duration;

/**
 * A part that {@link Lifecycle} starts and drains: a relay, a saga engine, a subscription, a
 * transport. Engines and adapters implement it; applications pass it to {@link Lifecycle}.
 */
public interface LifecycleComponent {

  /**
   * Returns the name shown in health and logs.
   *
   * @return unique within one {@link Lifecycle}
   */
  String name();

  /**
   * Starts the part and returns when it takes work. Called once, on the thread that starts the
   * lifecycle.
   *
   * @throws CommsException if it can't start; the lifecycle then closes what it had started
   */
  void start();

  /**
   * Takes no new work from outside, and goes on with what it has. The lifecycle calls it on every
   * part that takes work before it drains the first one. Does not wait. Idempotent.
   *
   * <p>The default does nothing, which is right for a part that only passes on what others write.
   */
  default void stopIntake() {}

  /**
   * Stops taking new work and waits until what runs has ended, at most {@code timeout}. Blocks.
   * Repeating it is allowed.
   *
   * @param timeout how long to wait
   * @return whether everything had ended; false leaves work that will be redelivered or taken over
   */
  boolean drain(Duration timeout);

  /** Ends the part and frees its threads and connections. Idempotent, bounded, never throws. */
  void close();

  /**
   * Returns the health now. Never blocks.
   *
   * @return the snapshot
   */
  Health health();
}
