package io.commslib.core.idempotency;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The outcome of a claim of a request key. Immutable, with a closed set of kinds; {@link #kind()}
 * determines which accessors apply.
 */
public final class Claim {

  /** The kinds of outcome. */
  public enum Kind {
    /**
     * The caller must run the request and complete or release the claim with {@link Claim#token()}.
     */
    GRANTED,
    /** Another caller is running the request; try again after {@link Claim#retryAfter()}. */
    IN_FLIGHT,
    /** The request has run; answer with {@link Claim#result()}. */
    COMPLETED,
    /** The key was used with another content; refuse the request. */
    MISMATCHED
  }

  private final Kind kind;
  private final long token;
  private final boolean takeover;
  private final Duration retryAfter;
  private final @Nullable StoredResult result;
  private final Map<String, String> steps;

  private Claim(
      Kind kind,
      long token,
      boolean takeover,
      Map<String, String> steps,
      Duration retryAfter,
      @Nullable StoredResult result) {
    this.kind = kind;
    this.token = token;
    this.takeover = takeover;
    this.steps = Collections.unmodifiableMap(new LinkedHashMap<>(steps));
    this.retryAfter = retryAfter;
    this.result = result;
  }

  /**
   * Returns a grant: the caller must run the request.
   *
   * @param token fencing token, which grows with each grant of this key; a stale token completes
   *     nothing
   * @param takeover whether an earlier holder's lease expired; its effects may have happened
   * @return the outcome
   */
  public static Claim granted(long token, boolean takeover) {
    return granted(token, takeover, Map.of());
  }

  /**
   * Returns a grant: the caller must run the steps of the request that earlier holders have not
   * completed.
   *
   * @param token fencing token, which grows with each grant of this key; a stale token completes
   *     nothing
   * @param takeover whether an earlier holder's lease expired; its effects may have happened
   * @param steps values that earlier holders remembered, by step name, oldest first
   * @return the outcome
   */
  public static Claim granted(long token, boolean takeover, Map<String, String> steps) {
    return new Claim(Kind.GRANTED, token, takeover, steps, Duration.ZERO, null);
  }

  /**
   * Returns the outcome of a request that another caller is running.
   *
   * @param retryAfter wait before the next claim
   * @return the outcome
   */
  public static Claim inFlight(Duration retryAfter) {
    return new Claim(
        Kind.IN_FLIGHT, 0, false, Map.of(), Objects.requireNonNull(retryAfter, "retryAfter"), null);
  }

  /**
   * Returns the outcome of a request that has run.
   *
   * @param result result of the request
   * @return the outcome
   */
  public static Claim completed(StoredResult result) {
    return new Claim(
        Kind.COMPLETED,
        0,
        false,
        Map.of(),
        Duration.ZERO,
        Objects.requireNonNull(result, "result"));
  }

  /** {@return the outcome of a key that was used with another content} */
  public static Claim mismatched() {
    return new Claim(Kind.MISMATCHED, 0, false, Map.of(), Duration.ZERO, null);
  }

  /** {@return the kind of outcome} */
  public Kind kind() {
    return kind;
  }

  /**
   * Returns the fencing token of a grant.
   *
   * @return the token
   * @throws IllegalStateException if not granted
   */
  public long token() {
    require(Kind.GRANTED);
    return token;
  }

  /**
   * Returns whether an earlier holder's lease expired.
   *
   * @return whether its effects may have happened
   * @throws IllegalStateException if not granted
   */
  public boolean isTakeover() {
    require(Kind.GRANTED);
    return takeover;
  }

  /**
   * Returns the steps that earlier holders remembered as done.
   *
   * @return the remembered values by step name, oldest first; unmodifiable
   * @throws IllegalStateException if not granted
   */
  public Map<String, String> steps() {
    require(Kind.GRANTED);
    return steps;
  }

  /**
   * Returns the wait before the next claim.
   *
   * @return the wait
   * @throws IllegalStateException if not in flight
   */
  public Duration retryAfter() {
    require(Kind.IN_FLIGHT);
    return retryAfter;
  }

  /**
   * Returns the result of the request.
   *
   * @return the result
   * @throws IllegalStateException if not completed
   */
  public StoredResult result() {
    require(Kind.COMPLETED);
    return Objects.requireNonNull(result);
  }

  private void require(Kind expected) {
    if (kind != expected) {
      throw new IllegalStateException("claim: " + kind + " (expected: " + expected + ")");
    }
  }

  @Override
  public String toString() {
    return "Claim{" + kind + "}";
  }
}
