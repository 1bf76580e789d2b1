package io.commslib.core.messaging;

import io.commslib.core.FailureKind;

/**
 * A subscription or a destination requires a capability that the transport does not have. Thrown by
 * the call that requires it, before anything is started.
 */
public final class UnsupportedCapabilityException extends TransportException {

  private static final long serialVersionUID = 1L;

  /** The missing capability. */
  private final Capability capability;

  /**
   * Creates the failure.
   *
   * @param transport name of the transport
   * @param setting the setting that requires it
   * @param capability the missing capability
   */
  public UnsupportedCapabilityException(String transport, String setting, Capability capability) {
    super(
        "COMMS-CORE-002",
        FailureKind.PERMANENT,
        setting
            + " (expected: nothing that needs "
            + capability
            + ", which transport "
            + transport
            + " does not have)",
        null);
    this.capability = capability;
  }

  /** {@return the missing capability} */
  public Capability capability() {
    return capability;
  }
}
