package io.commslib.core.messaging;

import io.commslib.core.FailureKind;

/** The transport, publisher or subscription is closing or closed. */
public final class TransportClosedException extends TransportException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the failure.
   *
   * @param transport name of the transport
   */
  public TransportClosedException(String transport) {
    super(
        "COMMS-CORE-001",
        FailureKind.CANCELLED,
        "transport " + transport + ": closed (expected: open; a closed one does not open again)",
        null);
  }
}
