package io.commslib.grpc;

/** An attempt without an answer of the remote. It has no stack trace: it is thrown nowhere. */
final class AttemptFailure extends Exception {

  private static final long serialVersionUID = 1L;

  private final transient AttemptEnd end;

  AttemptFailure(AttemptEnd end) {
    super(end.status().toString(), end.status().getCause(), false, false);
    this.end = end;
  }

  AttemptEnd end() {
    return end;
  }
}
