package io.commslib.testkit.call;

import io.commslib.core.call.CallStatus;
import io.commslib.core.checks.Checks;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * What an attempt finds on its way to the remote and back: one step of a script. Immutable value.
 */
public final class RemoteStep {

  /** How far an attempt gets. */
  public enum Kind {
    /** The remote answers. */
    ANSWER,
    /** The connection is refused; the request does not arrive. */
    REFUSE,
    /** The network is silent before the request arrives. */
    LOSE,
    /** The request arrives, and the connection is reset before the first byte of the answer. */
    RESET,
    /** The request arrives, and not one byte of the answer comes back. */
    SILENCE,
    /** The connection is reset within the body of the answer. */
    CUT,
    /** The answer stops within its body, and the connection stays open. */
    STALL
  }

  private static final Runnable NOTHING = () -> {};

  private final Kind kind;
  private final CallStatus status;
  private final Optional<String> body;
  private final Optional<Duration> advice;
  private final Optional<String> rawAdvice;
  private final boolean retryable;
  private final boolean malformed;
  private final Runnable onArrival;

  private RemoteStep(
      Kind kind,
      CallStatus status,
      Optional<String> body,
      Optional<Duration> advice,
      Optional<String> rawAdvice,
      boolean retryable,
      boolean malformed,
      Runnable onArrival) {
    this.kind = kind;
    this.status = status;
    this.body = body;
    this.advice = advice;
    this.rawAdvice = rawAdvice;
    this.retryable = retryable;
    this.malformed = malformed;
    this.onArrival = onArrival;
  }

  /**
   * Returns a step without advice.
   *
   * @param kind how far an attempt gets; an answer has the status {@code OK}
   * @return the step
   */
  public static RemoteStep of(Kind kind) {
    return new RemoteStep(
        Objects.requireNonNull(kind, "kind"),
        CallStatus.OK,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        true,
        false,
        NOTHING);
  }

  /**
   * Returns an answer with the content of the request.
   *
   * @return the step
   */
  public static RemoteStep echo() {
    return of(Kind.ANSWER);
  }

  /**
   * Returns an answer.
   *
   * @param body its content, ASCII
   * @return the step
   */
  public static RemoteStep answer(String body) {
    RemoteStep ok = of(Kind.ANSWER);
    return new RemoteStep(
        ok.kind, ok.status, Optional.of(body), ok.advice, ok.rawAdvice, true, false, NOTHING);
  }

  /**
   * Returns an answer that is a failure.
   *
   * @param status a status other than {@code OK}
   * @return the step
   */
  public static RemoteStep failure(CallStatus status) {
    Checks.check(status != CallStatus.OK, "status", status, "a failure");
    RemoteStep ok = answer("");
    return new RemoteStep(ok.kind, status, ok.body, ok.advice, ok.rawAdvice, true, false, NOTHING);
  }

  /**
   * Returns a copy with advice when to repeat the call.
   *
   * @param wait the shortest wait; the protocol must carry milliseconds
   * @return the copy
   */
  public RemoteStep retryAfter(Duration wait) {
    return new RemoteStep(
        kind, status, body, Optional.of(wait), rawAdvice, retryable, malformed, onArrival);
  }

  /**
   * Returns a copy with advice in the form that the remote sends it. A protocol whose advice is no
   * text sends its nearest counterpart.
   *
   * @param text whole seconds, a date of HTTP, or no valid advice at all
   * @return the copy
   */
  public RemoteStep rawRetryAfter(String text) {
    return new RemoteStep(
        kind, status, body, advice, Optional.of(text), retryable, malformed, onArrival);
  }

  /**
   * Returns a copy that forbids any repetition.
   *
   * @return the copy
   */
  public RemoteStep notRetryable() {
    return new RemoteStep(kind, status, body, advice, rawAdvice, false, malformed, onArrival);
  }

  /**
   * Returns a copy whose details of the failure can't be read.
   *
   * @return the copy
   */
  public RemoteStep malformedDetails() {
    return new RemoteStep(kind, status, body, advice, rawAdvice, retryable, true, onArrival);
  }

  /**
   * Returns a copy with an action. It runs once the request has arrived and before anything is sent
   * back, on a thread of the remote or on that of the call.
   *
   * @param action the action
   * @return the copy
   */
  public RemoteStep onArrival(Runnable action) {
    return new RemoteStep(
        kind,
        status,
        body,
        advice,
        rawAdvice,
        retryable,
        malformed,
        Objects.requireNonNull(action, "action"));
  }

  /** {@return how far an attempt gets} */
  public Kind kind() {
    return kind;
  }

  /** {@return the status of the answer} */
  public CallStatus status() {
    return status;
  }

  /** {@return the content of the answer, or empty for that of the request} */
  public Optional<String> body() {
    return body;
  }

  /** {@return the advice when to repeat the call} */
  public Optional<Duration> advice() {
    return advice;
  }

  /** {@return the advice as the remote sends it} */
  public Optional<String> rawAdvice() {
    return rawAdvice;
  }

  /** {@return whether the answer permits a repetition} */
  public boolean isRetryable() {
    return retryable;
  }

  /** {@return whether the details of the failure can't be read} */
  public boolean hasMalformedDetails() {
    return malformed;
  }

  /** Runs the action of the arrival. */
  public void arrived() {
    onArrival.run();
  }

  @Override
  public String toString() {
    return kind == Kind.ANSWER ? "ANSWER " + status : kind.toString();
  }
}
