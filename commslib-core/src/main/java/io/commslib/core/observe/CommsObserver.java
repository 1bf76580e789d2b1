package io.commslib.core.observe;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.Objects;

/**
 * Is told what the library's parts do, for metrics, logs and tests. Users implement what they need;
 * every method does nothing by default. Each part calls it on one thread of its own, in order, soon
 * after the event; several parts call it in parallel. It never runs under a lock and never holds up
 * a message. What it throws is logged and dropped. While a call has not returned for five seconds,
 * further events of its part are dropped and counted, and the part's health says so.
 */
public interface CommsObserver {

  /**
   * Returns an observer that does nothing.
   *
   * @return the observer
   */
  static CommsObserver none() {
    return SilentObserver.SILENT;
  }

  /**
   * Returns an observer that writes trouble to the log of this interface's name: the first failure
   * of a message and the end of a pause at INFO, everything else at WARN, at most ten lines a
   * second, then how many were left out. The default of every part.
   *
   * @return a new observer
   */
  static CommsObserver logging() {
    return new LoggingObserver(TimeSource.system());
  }

  /**
   * Returns an observer that tells this one and then another.
   *
   * @param other told what this one is told
   * @return the observer of both
   */
  default CommsObserver and(CommsObserver other) {
    return new CompositeObserver(this, Objects.requireNonNull(other, "other"));
  }

  /**
   * Returns whether this observer wants what is told of each delivery: {@link #onSettled}, {@link
   * #onRetry} and {@link #onLedger}. Asked once by each part.
   *
   * @return true by default
   */
  default boolean observesDeliveries() {
    return true;
  }

  /**
   * Something happened that an operator may have to know.
   *
   * @param trouble what, where, to which message, and why
   */
  default void onTrouble(Trouble trouble) {}

  /**
   * A delivery was settled.
   *
   * @param source what is consumed
   * @param group for which group
   * @param outcome in which count of the ledger it ended
   * @param messageId id of the message, or its position if it has none
   * @param attempt number of the attempt that decided, 0 if it never reached the handler
   * @param age time since it was received
   */
  default void onSettled(
      Destination source,
      String group,
      SubscriptionSnapshot.Count outcome,
      String messageId,
      int attempt,
      Duration age) {}

  /**
   * An attempt failed and will be repeated.
   *
   * @param source what is consumed
   * @param group for which group
   * @param messageId id of the message
   * @param attempt number of the attempt that failed
   * @param delay wait before the next one
   */
  default void onRetry(
      Destination source, String group, String messageId, int attempt, Duration delay) {}

  /**
   * A handler has overrun its deadline.
   *
   * @param source what is consumed
   * @param group for which group
   * @param messageId id of the message
   */
  default void onHandlerOverrun(Destination source, String group, String messageId) {}

  /**
   * Handlers of a subscription were paused by an outage or a gate, or go on again.
   *
   * @param source what is consumed
   * @param group for which group
   * @param paused true when paused
   * @param reason why, empty when they go on
   */
  default void onRoutePaused(Destination source, String group, boolean paused, String reason) {}

  /**
   * A bound has paused the intake of a subscription, or lets it go on.
   *
   * @param source what is consumed
   * @param group for which group
   * @param paused true when paused
   */
  default void onIntakePaused(Destination source, String group, boolean paused) {}

  /**
   * The conservation ledger of a subscription, with its oldest ages: every 10 seconds while it has
   * unsettled deliveries, and once after the last of them was settled.
   *
   * @param source what is consumed
   * @param group for which group
   * @param ledger counts and ages now; its imbalance is zero unless a delivery was lost
   */
  default void onLedger(Destination source, String group, SubscriptionSnapshot ledger) {}
}
