package io.commslib.grpc;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import org.jspecify.annotations.Nullable;

/** A channel can't protect its calls as it is set up, or can't read an answer. */
final class GrpcCallsException extends CommsException {

  private static final long serialVersionUID = 1L;

  GrpcCallsException(String code, String message, @Nullable Throwable cause) {
    super(code, FailureKind.PERMANENT, message, cause);
  }
}
