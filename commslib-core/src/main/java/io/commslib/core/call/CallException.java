package io.commslib.core.call;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A call failed without an answer of its own code: the transport failed, the deadline passed, the
 * call was cancelled, or a policy on this side refused it. {@link #outcome()} states what is known,
 * {@link #refusal()} which policy refused. It never contains content of the call.
 */
public final class CallException extends CommsException {

  private static final long serialVersionUID = 1L;

  private final transient CallOutcome outcome;
  private final transient CallTarget target;

  /** The policy that refused, or null. */
  private final @Nullable Refusal refusal;

  /** The number of attempts that were made. */
  private final int attempts;

  /** The time that the call was given, or null. */
  private final @Nullable Duration timeout;

  /** The time that the call took. */
  private final Duration elapsed;

  private CallException(Builder from) {
    super(from.code, kind(from.outcome), text(from), from.cause);
    this.outcome = from.outcome;
    this.target = from.target;
    this.refusal = from.refusal;
    this.attempts = from.attempts;
    this.timeout = from.timeout;
    this.elapsed = from.elapsed;
  }

  private static FailureKind kind(CallOutcome outcome) {
    if (outcome.status() == CallStatus.CANCELLED) {
      return FailureKind.CANCELLED;
    }
    if (outcome.certainty() == SendCertainty.MAYBE_SENT) {
      return FailureKind.UNKNOWN_RESULT;
    }
    return switch (outcome.status()) {
      case UNAVAILABLE, RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED -> FailureKind.TRANSIENT;
      case ABORTED -> FailureKind.CONTENTION;
      default -> FailureKind.PERMANENT;
    };
  }

  private static String text(Builder from) {
    return from.reason
        + " ("
        + from.target
        + ", "
        + from.outcome
        + ", attempts "
        + from.attempts
        + ", after "
        + from.elapsed.toMillis()
        + " ms"
        + (from.timeout == null ? "" : " of " + from.timeout.toMillis() + " ms")
        + ")";
  }

  /**
   * Starts a failure. For adapters and engines.
   *
   * @param code stable identifier
   * @param reason what failed, without content of the call
   * @param target what was called
   * @param outcome what is known
   * @return a builder
   */
  public static Builder builder(
      String code, String reason, CallTarget target, CallOutcome outcome) {
    return new Builder(code, reason, target, outcome);
  }

  /** {@return what is known about the call} */
  public CallOutcome outcome() {
    return outcome;
  }

  /** {@return what was called} */
  public CallTarget target() {
    return target;
  }

  /** {@return the policy on this side that refused the last attempt, or empty} */
  public Optional<Refusal> refusal() {
    return Optional.ofNullable(refusal);
  }

  /** {@return the number of attempts that were made, 0 if none was sent} */
  public int attempts() {
    return attempts;
  }

  /** {@return the time that the call was given, or empty if it had no deadline} */
  public Optional<Duration> timeout() {
    return Optional.ofNullable(timeout);
  }

  /** {@return the time from the start of the call to this failure} */
  public Duration elapsed() {
    return elapsed;
  }

  /** Builds a failure. Mutable; confined to one thread. */
  public static final class Builder {
    private final String code;
    private final String reason;
    private final CallTarget target;
    private final CallOutcome outcome;
    private @Nullable Refusal refusal;
    private int attempts;
    private @Nullable Duration timeout;
    private Duration elapsed = Duration.ZERO;
    private @Nullable Throwable cause;

    private Builder(String code, String reason, CallTarget target, CallOutcome outcome) {
      this.code = Objects.requireNonNull(code, "code");
      this.reason = Objects.requireNonNull(reason, "reason");
      this.target = Objects.requireNonNull(target, "target");
      this.outcome = Objects.requireNonNull(outcome, "outcome");
    }

    /**
     * Sets the policy on this side that refused.
     *
     * @param refusal the policy; default none
     * @return this builder
     */
    public Builder refusal(Refusal refusal) {
      this.refusal = Objects.requireNonNull(refusal, "refusal");
      return this;
    }

    /**
     * Sets the number of attempts that were made.
     *
     * @param attempts 0 or more; default 0
     * @return this builder
     */
    public Builder attempts(int attempts) {
      this.attempts = attempts;
      return this;
    }

    /**
     * Sets the time that the call was given.
     *
     * @param timeout the time; default none
     * @return this builder
     */
    public Builder timeout(Duration timeout) {
      this.timeout = Objects.requireNonNull(timeout, "timeout");
      return this;
    }

    /**
     * Sets the time from the start of the call to the failure.
     *
     * @param elapsed the time; default zero
     * @return this builder
     */
    public Builder elapsed(Duration elapsed) {
      this.elapsed = Objects.requireNonNull(elapsed, "elapsed");
      return this;
    }

    /**
     * Sets the underlying failure.
     *
     * @param cause the failure, unchanged; default none
     * @return this builder
     */
    public Builder cause(Throwable cause) {
      this.cause = Objects.requireNonNull(cause, "cause");
      return this;
    }

    /** {@return the failure} */
    public CallException build() {
      return new CallException(this);
    }
  }
}
