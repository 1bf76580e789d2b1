package io.commslib.grpc;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;

/** A server can't listen. */
final class GrpcServerException extends CommsException {

  private static final long serialVersionUID = 1L;

  GrpcServerException(String message, Throwable cause) {
    super("COMMS-GRPC-110", FailureKind.TRANSIENT, message, cause);
  }
}
