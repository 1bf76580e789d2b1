package io.commslib.core.idempotency;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The answer to a claim of a request key. Closed set, immutable; {@link #kind()} tells which
 * accessors apply.
 */
public final class Claim {

  /** The kinds of answer. */
  public enum Kind {
    /**
     * The caller runs the request and completes or releases the claim with {@link Claim#token()}.
     */
    GRANTED,
    /** Another caller runs it; try again after {@link Claim#retryAfter()}. */
    IN_FLIGHT,
    /** It has run; replay {@link Claim#result()}. */
    COMPLETED,
    /** The key was used with another content; refuse. */
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
   * The caller runs the request.
   *
   * @param token grows with each grant of this key; a stale one completes nothing
   * @param takeover whether an earlier holder's lease ran out: its effects may have happened
   * @return the answer
   */
  public static Claim granted(long token, boolean takeover) {
    return granted(token, takeover, Map.of());
  }

  /**
   * The caller runs the request, or what earlier holders left of it.
   *
   * @param token grows with each grant of this key; a stale one completes nothing
   * @param takeover whether an earlier holder's lease ran out: its effects may have happened
   * @param steps what earlier holders remembered, by name, oldest first
   * @return the answer
   */
  public static Claim granted(long token, boolean takeover, Map<String, String> steps) {
    return new Claim(Kind.GRANTED, token, takeover, steps, Duration.ZERO, null);
  }

  /**
   * Another caller runs it.
   *
   * @param retryAfter when to ask again
   * @return the answer
   */
  public static Claim inFlight(Duration retryAfter) {
    return new Claim(
        Kind.IN_FLIGHT, 0, false, Map.of(), Objects.requireNonNull(retryAfter, "retryAfter"), null);
  }

  /**
   * It has run.
   *
   * @param result what it answered
   * @return the answer
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

  /**
   * The key was used with another content.
   *
   * @return the answer
   */
  public static Claim mismatched() {
    return new Claim(Kind.MISMATCHED, 0, false, Map.of(), Duration.ZERO, null);
  }

  /**
   * Returns which answer it is.
   *
   * @return the kind
   */
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
   * Returns whether an earlier holder's lease ran out.
   *
   * @return true if its effects may have happened
   * @throws IllegalStateException if not granted
   */
  public boolean isTakeover() {
    require(Kind.GRANTED);
    return takeover;
  }

  /**
   * Returns the steps earlier holders have remembered as done.
   *
   * @return what they kept, by name, oldest first; unmodifiable
   * @throws IllegalStateException if not granted
   */
  public Map<String, String> steps() {
    require(Kind.GRANTED);
    return steps;
  }

  /**
   * Returns when to ask again.
   *
   * @return the wait
   * @throws IllegalStateException if not in flight
   */
  public Duration retryAfter() {
    require(Kind.IN_FLIGHT);
    return retryAfter;
  }

  /**
   * Returns what the request answered.
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
