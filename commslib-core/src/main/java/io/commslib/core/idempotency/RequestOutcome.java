package io.commslib.core.idempotency;

import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of a request with a key, from {@link IdempotentRequests}. Immutable, with a closed
 * set of kinds; {@link #kind()} determines which accessors apply. Each protocol maps the kinds to
 * its own statuses.
 */
public final class RequestOutcome {

  /** The kinds of outcome. */
  public enum Kind {
    /**
     * The request is done. Answer with {@link RequestOutcome#result()}, which is complete; {@link
     * RequestOutcome#isRepetition()} states whether it was stored before.
     */
    DONE,
    /**
     * The request was done before, and its result could not be stored in full. {@link
     * RequestOutcome#result()} is the short form: the status, the header {@code Location} if there
     * was one, and a problem of code {@code COMMS-IDEMPOTENCY-004}.
     */
    NOT_KEPT,
    /** A request with this key is running; repeat after {@link RequestOutcome#retryAfter()}. */
    IN_PROGRESS,
    /** The key was used with another content; refuse the request. */
    MISMATCHED,
    /** The request has no key, and the operation requires one; refuse the request. */
    MISSING_KEY,
    /** The key breaks the rule in {@link RequestOutcome#reason()}; refuse the request. */
    MALFORMED_KEY
  }

  private final Kind kind;
  private final @Nullable StoredResult result;
  private final boolean repetition;
  private final Duration retryAfter;
  private final String reason;

  private RequestOutcome(
      Kind kind,
      @Nullable StoredResult result,
      boolean repetition,
      Duration retryAfter,
      String reason) {
    this.kind = kind;
    this.result = result;
    this.repetition = repetition;
    this.retryAfter = retryAfter;
    this.reason = reason;
  }

  private static RequestOutcome refused(Kind kind, String reason) {
    return new RequestOutcome(kind, null, false, Duration.ZERO, reason);
  }

  /** Returns the outcome of work that has just run. */
  static RequestOutcome made(StoredResult result) {
    return new RequestOutcome(Kind.DONE, result, false, Duration.ZERO, "");
  }

  /** Returns the outcome of a request whose result a store has kept, in full or in short form. */
  static RequestOutcome stored(StoredResult result) {
    Kind kind = result.isShortened() ? Kind.NOT_KEPT : Kind.DONE;
    return new RequestOutcome(kind, result, true, Duration.ZERO, "");
  }

  static RequestOutcome inProgress(Duration retryAfter) {
    return new RequestOutcome(Kind.IN_PROGRESS, null, false, retryAfter, "");
  }

  static RequestOutcome mismatched() {
    return refused(Kind.MISMATCHED, "");
  }

  static RequestOutcome missingKey() {
    return refused(Kind.MISSING_KEY, "");
  }

  static RequestOutcome malformedKey(String reason) {
    return refused(Kind.MALFORMED_KEY, reason);
  }

  /** {@return the kind of outcome} */
  public Kind kind() {
    return kind;
  }

  /**
   * Returns the result of the request.
   *
   * @return the result in full if the kind is {@code DONE}, its short form if {@code NOT_KEPT}
   * @throws IllegalStateException if the request is not done
   */
  public StoredResult result() {
    return done();
  }

  /**
   * Returns whether the result is that of another call and was stored before.
   *
   * @return false if the work of this call has made the result; always true if the kind is {@code
   *     NOT_KEPT}
   * @throws IllegalStateException if the request is not done
   */
  public boolean isRepetition() {
    done();
    return repetition;
  }

  /**
   * Returns the wait before the next request with this key.
   *
   * @return the wait
   * @throws IllegalStateException if the kind is not {@code IN_PROGRESS}
   */
  public Duration retryAfter() {
    if (kind != Kind.IN_PROGRESS) {
      throw wrongKind("IN_PROGRESS");
    }
    return retryAfter;
  }

  /**
   * Returns the rule that the key breaks, as one sentence. It repeats nothing of what the caller
   * sent.
   *
   * @return the rule
   * @throws IllegalStateException if the kind is not {@code MALFORMED_KEY}
   */
  public String reason() {
    if (kind != Kind.MALFORMED_KEY) {
      throw wrongKind("MALFORMED_KEY");
    }
    return reason;
  }

  private StoredResult done() {
    if (result == null) {
      throw wrongKind("DONE or NOT_KEPT");
    }
    return result;
  }

  private IllegalStateException wrongKind(String expected) {
    return new IllegalStateException("outcome: " + kind + " (expected: " + expected + ")");
  }

  @Override
  public String toString() {
    return "RequestOutcome{" + kind + "}";
  }
}
