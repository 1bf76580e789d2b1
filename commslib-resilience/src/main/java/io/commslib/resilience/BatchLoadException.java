package io.commslib.resilience;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.call.CallTarget;
import org.jspecify.annotations.Nullable;

/** A {@link BatchLoader} has no value for a caller. The text never contains a key. */
public final class BatchLoadException extends CommsException {

  private static final long serialVersionUID = 1L;

  private final transient CallTarget target;

  private BatchLoadException(
      String code, FailureKind kind, String text, CallTarget target, @Nullable Throwable cause) {
    super(code, kind, text + " (" + target + ")", cause);
    this.target = target;
  }

  static BatchLoadException full(CallTarget target, int maxWaiting) {
    return new BatchLoadException(
        "COMMS-CALL-015",
        FailureKind.TRANSIENT,
        "as many callers wait as maxWaiting admits: " + maxWaiting,
        target,
        null);
  }

  static BatchLoadException noResult(CallTarget target) {
    return new BatchLoadException(
        "COMMS-CALL-016",
        FailureKind.PERMANENT,
        "the answer has no result for the key",
        target,
        null);
  }

  static BatchLoadException expired(CallTarget target, boolean isSent) {
    return new BatchLoadException(
        "COMMS-CALL-017",
        FailureKind.TRANSIENT,
        "the caller's deadline has passed " + (isSent ? "during the call" : "before the call"),
        target,
        null);
  }

  static BatchLoadException interrupted(CallTarget target, @Nullable Throwable cause) {
    return new BatchLoadException(
        "COMMS-CALL-018",
        FailureKind.CANCELLED,
        "the waiting thread was interrupted",
        target,
        cause);
  }

  static BatchLoadException failed(CallTarget target, Throwable cause) {
    return new BatchLoadException(
        "COMMS-CALL-019", Kinds.of(cause), "the key failed", target, cause);
  }

  /** {@return what was called} */
  public CallTarget target() {
    return target;
  }
}
