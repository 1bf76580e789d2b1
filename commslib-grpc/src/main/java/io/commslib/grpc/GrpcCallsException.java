package io.commslib.grpc;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;

/** A channel is set up in a way in which its calls can't be protected. */
final class GrpcCallsException extends CommsException {

  private static final long serialVersionUID = 1L;

  GrpcCallsException(String code, String message) {
    super(code, FailureKind.PERMANENT, message, null);
  }
}
