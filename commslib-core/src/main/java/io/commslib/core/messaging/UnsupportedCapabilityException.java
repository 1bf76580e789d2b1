package io.commslib.core.messaging;

import io.commslib.core.FailureKind;

/**
 * A subscription or a destination asks for something the transport can't do. Thrown when it is
 * asked for, never later, and nothing was started.
 */
public final class UnsupportedCapabilityException extends TransportException {

  private static final long serialVersionUID = 1L;

  private final Capability capability;

  /**
   * Creates the failure.
   *
   * @param transport name of the transport
   * @param setting the setting that asks for it
   * @param capability what is missing
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

  /**
   * Returns what is missing.
   *
   * @return the capability
   */
  public Capability capability() {
    return capability;
  }
}
