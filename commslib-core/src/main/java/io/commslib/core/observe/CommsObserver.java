package io.commslib.core.observe;

import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Refusal;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.resilience.CircuitBreaker;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * Receives the events of the library's components, for metrics, logs and tests. Users implement the
 * methods they need; by default every method does nothing.
 *
 * <p>Each component calls the observer on one thread of its own, in order, soon after the event.
 * Several components call it in parallel. It never runs under a lock and never delays a message. An
 * exception of the observer is logged and dropped. While a call has not returned for five seconds,
 * further events of the component are dropped and counted, and the component's health reports it.
 */
public interface CommsObserver {

  /** {@return an observer that does nothing} */
  static CommsObserver none() {
    return SilentObserver.SILENT;
  }

  /**
   * Returns an observer that writes trouble to the log of this interface's name: the first failure
   * of a message and the end of a pause at INFO, everything else at WARN. It writes at most ten
   * lines a second and then the number of omitted lines. This is the default of every component.
   *
   * @return a new observer
   */
  static CommsObserver logging() {
    return new LoggingObserver(TimeSource.system());
  }

  /**
   * Returns an observer that passes each event to this observer and then to another one. An
   * exception of the first does not prevent the call of the second.
   *
   * @param other receives the same events
   * @return the combined observer
   */
  default CommsObserver and(CommsObserver other) {
    return new CompositeObserver(this, Objects.requireNonNull(other, "other"));
  }

  /**
   * Returns whether this observer requires the events of each delivery: {@link #onSettled}, {@link
   * #onRetry} and {@link #onLedger}. Each component calls it once.
   *
   * @return true by default
   */
  default boolean observesDeliveries() {
    return true;
  }

  /**
   * Reports an event that may require an operator.
   *
   * @param trouble the event, with component, message and cause
   */
  default void onTrouble(Trouble trouble) {}

  /**
   * Reports that a delivery was settled.
   *
   * @param source destination that is consumed
   * @param group the group
   * @param outcome count of the ledger in which the delivery ended
   * @param messageId id of the message, or its position if it has none
   * @param attempt number of the deciding attempt, 0 if the message never reached the handler
   * @param age time since the delivery was received
   */
  default void onSettled(
      Destination source,
      String group,
      SubscriptionSnapshot.Count outcome,
      String messageId,
      int attempt,
      Duration age) {}

  /**
   * Reports that an attempt failed and will be repeated.
   *
   * @param source destination that is consumed
   * @param group the group
   * @param messageId id of the message
   * @param attempt number of the failed attempt
   * @param delay wait before the next attempt
   */
  default void onRetry(
      Destination source, String group, String messageId, int attempt, Duration delay) {}

  /**
   * Reports that a handler has overrun its deadline.
   *
   * @param source destination that is consumed
   * @param group the group
   * @param messageId id of the message
   */
  default void onHandlerOverrun(Destination source, String group, String messageId) {}

  /**
   * Reports that an outage or a gate has paused the handlers of a subscription, or that they
   * continue.
   *
   * @param source destination that is consumed
   * @param group the group
   * @param paused whether the handlers are paused
   * @param reason reason of the pause; empty if they continue
   */
  default void onRoutePaused(Destination source, String group, boolean paused, String reason) {}

  /**
   * Reports that a bound has paused the intake of a subscription, or that the intake continues.
   *
   * @param source destination that is consumed
   * @param group the group
   * @param paused whether the intake is paused
   */
  default void onIntakePaused(Destination source, String group, boolean paused) {}

  /**
   * Reports the conservation ledger of a subscription with its oldest ages: every 10 seconds while
   * the subscription has unsettled deliveries, and once after the last of them was settled.
   *
   * @param source destination that is consumed
   * @param group the group
   * @param ledger current counts and ages; its imbalance is zero unless a delivery was lost
   */
  default void onLedger(Destination source, String group, SubscriptionSnapshot ledger) {}

  /**
   * Returns whether this observer requires the events of each call: {@link #onCall}, {@link
   * #onAttempt} and {@link #onMirror}. Each component calls it once.
   *
   * @return true by default
   */
  default boolean observesCalls() {
    return true;
  }

  /**
   * Reports that a call has ended, once for each call however many attempts it had.
   *
   * @param target what was called
   * @param outcome the outcome of the call
   * @param attempts the number of attempts that were made, 0 if none was
   * @param elapsed the time of the call, waits included
   */
  default void onCall(CallTarget target, CallOutcome outcome, int attempts, Duration elapsed) {}

  /**
   * Reports that an attempt of a call has ended or was refused on this side.
   *
   * @param target what was called
   * @param outcome the outcome of the attempt
   * @param attempt the number of the attempt, from 1
   * @param elapsed the time of the attempt; zero if it was refused
   * @param refusal the policy that refused it, or empty
   */
  default void onAttempt(
      CallTarget target,
      CallOutcome outcome,
      int attempt,
      Duration elapsed,
      Optional<Refusal> refusal) {}

  /**
   * Reports that a copy of a call has ended or was dropped. Copies are reported by nothing else:
   * they are no calls and no attempts of calls.
   *
   * @param target what was called, with the subset that gets the copies
   * @param outcome the outcome of the copy
   * @param elapsed the time of the copy; zero if it was dropped
   * @param refusal why it was dropped, or empty
   */
  default void onMirror(
      CallTarget target, CallOutcome outcome, Duration elapsed, Optional<Refusal> refusal) {}

  /**
   * Reports that a circuit breaker has changed its state.
   *
   * @param service the remote service, with its subset as {@code service/subset}; that of copies
   *     ends with {@code (mirror)}
   * @param from the state before
   * @param to the state now
   * @param cause the outcome that caused it; a success where time or an operator did
   * @param openTime the time for which it stays open; zero in another state
   */
  default void onBreaker(
      String service,
      CircuitBreaker.State from,
      CircuitBreaker.State to,
      CallOutcome cause,
      Duration openTime) {}
}
