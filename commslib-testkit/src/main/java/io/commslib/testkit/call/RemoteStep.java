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

  /** What a failure states beside its status. */
  private record Details(
      Optional<Duration> advice, Optional<String> rawAdvice, boolean retryable, boolean malformed) {

    static final Details NONE = new Details(Optional.empty(), Optional.empty(), true, false);
  }

  private final Kind kind;
  private final CallStatus status;
  private final Optional<String> body;
  private final Details details;
  private final Runnable onArrival;

  private RemoteStep(
      Kind kind, CallStatus status, Optional<String> body, Details details, Runnable onArrival) {
    this.kind = kind;
    this.status = status;
    this.body = body;
    this.details = details;
    this.onArrival = onArrival;
  }

  /**
   * Returns a step without advice.
   *
   * @param kind how far an attempt gets; an answer has the status {@code OK}
   * @return the step
   */
  public static RemoteStep of(Kind kind) {
    Objects.requireNonNull(kind, "kind");
    return new RemoteStep(kind, CallStatus.OK, Optional.empty(), Details.NONE, NOTHING);
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
    return new RemoteStep(Kind.ANSWER, CallStatus.OK, Optional.of(body), Details.NONE, NOTHING);
  }

  /**
   * Returns an answer that is a failure.
   *
   * @param status a status other than {@code OK}
   * @return the step
   */
  public static RemoteStep failure(CallStatus status) {
    Checks.check(status != CallStatus.OK, "status", status, "a failure");
    return new RemoteStep(Kind.ANSWER, status, Optional.of(""), Details.NONE, NOTHING);
  }

  private RemoteStep with(Details next) {
    return new RemoteStep(kind, status, body, next, onArrival);
  }

  /**
   * Returns a copy with advice when to repeat the call.
   *
   * @param wait the shortest wait; the protocol must carry milliseconds
   * @return the copy
   */
  public RemoteStep retryAfter(Duration wait) {
    return with(
        new Details(Optional.of(wait), details.rawAdvice, details.retryable, details.malformed));
  }

  /**
   * Returns a copy with advice in the form that the remote sends it. A protocol whose advice is no
   * text sends its nearest counterpart.
   *
   * @param text whole seconds, a date of HTTP, or no valid advice at all
   * @return the copy
   */
  public RemoteStep rawRetryAfter(String text) {
    return with(
        new Details(details.advice, Optional.of(text), details.retryable, details.malformed));
  }

  /**
   * Returns a copy that forbids any repetition.
   *
   * @return the copy
   */
  public RemoteStep notRetryable() {
    return with(new Details(details.advice, details.rawAdvice, false, details.malformed));
  }

  /**
   * Returns a copy whose details of the failure can't be read.
   *
   * @return the copy
   */
  public RemoteStep malformedDetails() {
    return with(new Details(details.advice, details.rawAdvice, details.retryable, true));
  }

  /**
   * Returns a copy with an action. It runs once the request has arrived and before anything is sent
   * back, on a thread of the remote or on that of the call.
   *
   * @param action the action
   * @return the copy
   */
  public RemoteStep onArrival(Runnable action) {
    return new RemoteStep(kind, status, body, details, Objects.requireNonNull(action, "action"));
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
    return details.advice;
  }

  /** {@return the advice as the remote sends it} */
  public Optional<String> rawAdvice() {
    return details.rawAdvice;
  }

  /** {@return whether the answer permits a repetition} */
  public boolean isRetryable() {
    return details.retryable;
  }

  /** {@return whether the details of the failure can't be read} */
  public boolean hasMalformedDetails() {
    return details.malformed;
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
