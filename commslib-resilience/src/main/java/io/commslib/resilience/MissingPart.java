package io.commslib.resilience;

import io.commslib.core.CommsException;
import io.commslib.core.Failures;
import io.commslib.core.call.CallException;
import io.commslib.core.call.CallOutcome;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The reason why a part of a {@link Composer} has no result. Immutable. */
public final class MissingPart {

  /** The way in which a part ended without a result. */
  public enum Reason {
    /** Its code failed. */
    FAILED,
    /** It had not ended at the deadline, or had not begun by then. */
    TIMED_OUT,
    /** It was stopped: a required part failed, the composer was closed, or by an interrupt. */
    CANCELLED,
    /** It had no thread: all are taken, or the executor refused it. It did not begin. */
    REFUSED
  }

  private final Reason reason;
  private final boolean begun;
  private final @Nullable Throwable failure;

  MissingPart(Reason reason, boolean begun, @Nullable Throwable failure) {
    this.reason = reason;
    this.begun = begun;
    this.failure = failure;
  }

  /** {@return the way in which the part ended} */
  public Reason reason() {
    return reason;
  }

  /** {@return whether the code of the part began, so that it may have had an effect} */
  public boolean hasBegun() {
    return begun;
  }

  /** {@return the failure of the part's code or of the executor, unchanged, or empty} */
  public Optional<Throwable> failure() {
    return Optional.ofNullable(failure);
  }

  /** {@return the outcome of the call that failed, or empty if no call of a guard failed} */
  public Optional<CallOutcome> outcome() {
    return Failures.find(failure, CallException.class).map(CallException::outcome);
  }

  /**
   * Returns the reason with code and outcome, or with the class of another failure. It has no text
   * of the failure, which could quote content.
   *
   * @return for example {@code FAILED COMMS-CALL-003 UNAVAILABLE NOT_SENT}
   */
  @Override
  public String toString() {
    if (failure == null) {
      return reason.toString();
    }
    String code =
        Failures.known(failure).map(CommsException::code).orElse(failure.getClass().getName());
    return reason + " " + code + outcome().map(outcome -> " " + outcome).orElse("");
  }
}
