package io.commslib.grpc;

import io.commslib.core.SendCertainty;
import io.grpc.Metadata;
import io.grpc.Status;

/**
 * How an attempt ended on the wire.
 *
 * @param status the status of the remote, or of gRPC itself
 * @param trailers the trailers, empty if none arrived
 * @param certainty what is known about the sending
 */
record AttemptEnd(Status status, Metadata trailers, SendCertainty certainty) {

  /** Shows no text and no trailers of the remote. */
  @Override
  public String toString() {
    return "AttemptEnd{" + certainty + "}";
  }
}
