package io.commslib.core.observe;

import io.commslib.core.Failures;
import io.commslib.core.call.CallOutcome;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Refusal;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.resilience.CircuitBreaker;
import java.time.Duration;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Passes events to two observers; a failure of the first does not prevent the second call. */
final class CompositeObserver implements CommsObserver {

  private static final Logger log = LoggerFactory.getLogger(CommsObserver.class);

  private interface Call {
    void to(CommsObserver observer);
  }

  private final CommsObserver first;
  private final CommsObserver second;

  CompositeObserver(CommsObserver first, CommsObserver second) {
    this.first = first;
    this.second = second;
  }

  private void each(Call call) {
    try {
      call.to(first);
    } catch (Throwable e) {
      log.error("an observer failed: {}", Failures.text(e));
    }
    call.to(second);
  }

  @Override
  public boolean observesDeliveries() {
    return first.observesDeliveries() | second.observesDeliveries();
  }

  @Override
  public void onSettled(
      Destination source,
      String group,
      SubscriptionSnapshot.Count outcome,
      String messageId,
      int attempt,
      Duration age) {
    each(observer -> observer.onSettled(source, group, outcome, messageId, attempt, age));
  }

  @Override
  public void onRetry(
      Destination source, String group, String messageId, int attempt, Duration delay) {
    each(observer -> observer.onRetry(source, group, messageId, attempt, delay));
  }

  @Override
  public void onHandlerOverrun(Destination source, String group, String messageId) {
    each(observer -> observer.onHandlerOverrun(source, group, messageId));
  }

  @Override
  public void onRoutePaused(Destination source, String group, boolean paused, String reason) {
    each(observer -> observer.onRoutePaused(source, group, paused, reason));
  }

  @Override
  public void onIntakePaused(Destination source, String group, boolean paused) {
    each(observer -> observer.onIntakePaused(source, group, paused));
  }

  @Override
  public void onLedger(Destination source, String group, SubscriptionSnapshot ledger) {
    each(observer -> observer.onLedger(source, group, ledger));
  }

  @Override
  public boolean observesCalls() {
    return first.observesCalls() | second.observesCalls();
  }

  @Override
  public void onCall(CallTarget target, CallOutcome outcome, int attempts, Duration elapsed) {
    each(observer -> observer.onCall(target, outcome, attempts, elapsed));
  }

  @Override
  public void onAttempt(
      CallTarget target,
      CallOutcome outcome,
      int attempt,
      Duration elapsed,
      Optional<Refusal> refusal) {
    each(observer -> observer.onAttempt(target, outcome, attempt, elapsed, refusal));
  }

  @Override
  public void onMirror(
      CallTarget target, CallOutcome outcome, Duration elapsed, Optional<Refusal> refusal) {
    each(observer -> observer.onMirror(target, outcome, elapsed, refusal));
  }

  @Override
  public void onBreaker(
      String service,
      CircuitBreaker.State from,
      CircuitBreaker.State to,
      CallOutcome cause,
      Duration openTime) {
    each(observer -> observer.onBreaker(service, from, to, cause, openTime));
  }

  @Override
  public void onTrouble(Trouble trouble) {
    each(observer -> observer.onTrouble(trouble));
  }
}
