package io.commslib.core.messaging;

import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import java.time.Duration;

/** A running subscription. Applications call it; adapters implement it. Thread-safe. */
public interface Subscription extends AutoCloseable {

  /**
   * Returns what it was made with.
   *
   * @return the configuration
   */
  SubscriptionConfig config();

  /**
   * Returns where it is in its life.
   *
   * @return the state
   */
  LifecycleState state();

  /**
   * Starts no more handlers until {@link #resume()}; running ones finish. Membership is kept.
   * Idempotent.
   */
  void pause();

  /** Ends {@link #pause()}. Idempotent. */
  void resume();

  /**
   * Returns the counts of the conservation ledger and the oldest ages.
   *
   * @return a snapshot; never blocks for handlers
   */
  SubscriptionSnapshot snapshot();

  /**
   * Returns the health now.
   *
   * @return down when handlers are stuck beyond the limit or the consumer is lost, degraded when
   *     paused by an outage
   */
  Health health();

  /**
   * Takes no more messages and starts no more handlers; running ones go on. Does not wait. {@link
   * #drain} is to follow. Idempotent.
   */
  default void stopIntake() {
    pause();
  }

  /**
   * Takes no more messages and waits until running handlers have ended and are settled. Messages
   * taken but not started are given back. Blocks. May be called again.
   *
   * @param timeout how long to wait
   * @return whether all had ended; if not they go on and what they return is settled if {@link
   *     #close()} has not happened
   */
  boolean drain(Duration timeout);

  /**
   * Ends the subscription; handlers still running are interrupted and their messages will be
   * redelivered. Idempotent.
   */
  @Override
  void close();
}
