package io.commslib.core.messaging;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * The capabilities of a transport, or of one of its destinations. A request for a missing
 * capability is refused with the name of the setting; it is never silently ignored. Immutable.
 */
public final class TransportCapabilities {

  private final Set<Capability> capabilities;

  private TransportCapabilities(Set<Capability> capabilities) {
    this.capabilities = Collections.unmodifiableSet(capabilities);
  }

  /**
   * Returns a set of capabilities.
   *
   * @param capabilities the capabilities of the transport
   * @return the set
   */
  public static TransportCapabilities of(Capability... capabilities) {
    Set<Capability> set = EnumSet.noneOf(Capability.class);
    Collections.addAll(set, capabilities);
    return new TransportCapabilities(set);
  }

  /**
   * Returns whether the transport has a capability.
   *
   * @param capability the capability
   * @return whether the transport has it
   */
  public boolean has(Capability capability) {
    return capabilities.contains(capability);
  }

  /**
   * Checks that the subscription's destination has the capabilities that it requires. For adapters,
   * with {@link MessageTransport#capabilities(Destination)}.
   *
   * @param transport name of the transport
   * @param config settings of the subscription
   * @throws UnsupportedCapabilityException if one is missing, with the name of the setting
   */
  public void check(String transport, SubscriptionConfig config) {
    if (config.startAt().filter(start -> start == StartPosition.EARLIEST).isPresent()
        && config.destination().kind() == Destination.Kind.TOPIC
        && !has(Capability.START_EARLIEST)) {
      throw new UnsupportedCapabilityException(
          transport, "startAt: EARLIEST", Capability.START_EARLIEST);
    }
    for (Capability required : config.requires()) {
      if (!has(required)) {
        throw new UnsupportedCapabilityException(transport, "require: " + required, required);
      }
    }
  }

  @Override
  public String toString() {
    return capabilities.toString();
  }
}
