package io.commslib.core.messaging;

import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import java.time.Duration;

/** A running subscription. Applications call it; adapters implement it. Thread-safe. */
public interface Subscription extends AutoCloseable {

  /** {@return the configuration of this subscription} */
  SubscriptionConfig config();

  /** {@return the state in the lifecycle} */
  LifecycleState state();

  /**
   * Starts no more handlers until {@link #resume()}. Running handlers finish. The subscription
   * stays a member of its group. Idempotent.
   */
  void pause();

  /**
   * Ends {@link #pause()}. Tries the messages again that wait because their destination has no dead
   * letters. If unreadable records have stopped the subscription ({@link
   * SubscriptionConfig#maxUnreadable()}), lets one more of them go. Repeating it has no effect but
   * these.
   */
  void resume();

  /**
   * Returns the counts of the conservation ledger and the oldest ages. Does not block for handlers.
   *
   * @return the snapshot
   */
  SubscriptionSnapshot snapshot();

  /**
   * Returns the current health.
   *
   * @return down if handlers are stuck beyond the limit or the consumer is lost, degraded while
   *     paused by an outage, or while messages wait that can't be handled or dead-lettered
   */
  Health health();

  /**
   * Takes no more messages and starts no more handlers. Running handlers continue. Does not wait. A
   * call of {@link #drain} must follow. Idempotent.
   */
  default void stopIntake() {
    pause();
  }

  /**
   * Takes no more messages and waits until running handlers have ended and are settled. Messages
   * taken but not started are given back. Blocks. May be called again.
   *
   * @param timeout maximum wait
   * @return whether all handlers have ended. If not, they continue, and their outcome is settled
   *     unless {@link #close()} is called before
   */
  boolean drain(Duration timeout);

  /**
   * Ends the subscription. Handlers still running are interrupted, and their messages will be
   * redelivered. Idempotent.
   */
  @Override
  void close();
}
