package io.commslib.core.messaging;

import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;

/**
 * What a transport can do. What it can't do it refuses when asked, naming the setting; it never
 * does less silently. Immutable.
 */
public final class TransportCapabilities {

  private final Set<Capability> capabilities;

  private TransportCapabilities(Set<Capability> capabilities) {
    this.capabilities = Collections.unmodifiableSet(capabilities);
  }

  /**
   * Returns a set of capabilities.
   *
   * @param capabilities what the transport can do
   * @return the set
   */
  public static TransportCapabilities of(Capability... capabilities) {
    Set<Capability> set = EnumSet.noneOf(Capability.class);
    Collections.addAll(set, capabilities);
    return new TransportCapabilities(set);
  }

  /**
   * Returns whether the transport can do this.
   *
   * @param capability what is asked for
   * @return true if it can
   */
  public boolean has(Capability capability) {
    return capabilities.contains(capability);
  }

  /**
   * Refuses what a subscription asks for and this transport can't do. For adapters.
   *
   * @param transport name of the transport
   * @param config what the subscription asks for
   * @throws UnsupportedCapabilityException naming the setting
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
