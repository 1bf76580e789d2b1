package io.commslib.core.lifecycle;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.SubscriptionConfig;
import java.util.HashMap;
import java.util.Map;

/**
 * Refuses a second subscription of one service to the same destination with the same group. The
 * broker would divide the messages between the two, and each would dead-letter the other's message
 * types. Not thread-safe.
 */
public final class SubscriptionClaims {

  private record Claim(Object subscriber, Destination destination, String group) {
    /** Omits the subscriber, whose text form is not the library's. */
    @Override
    public String toString() {
      return destination + ", group " + group;
    }
  }

  private final Map<Claim, String> names = new HashMap<>();

  /** Creates an empty set of claims. */
  public SubscriptionClaims() {}

  /**
   * Adds a subscription.
   *
   * @param subscriber makes the subscription; subscriptions of different subscribers never conflict
   * @param config settings of the subscription
   * @throws SubscribeException {@code COMMS-CORE-003} if another subscription of this subscriber
   *     consumes the same destination with the same group
   */
  public void add(Object subscriber, SubscriptionConfig config) {
    Claim claim = new Claim(subscriber, config.destination(), config.group());
    String other = names.putIfAbsent(claim, config.name());
    if (other != null) {
      throw new SubscribeException(
          "COMMS-CORE-003",
          FailureKind.PERMANENT,
          "subscriptions: "
              + other
              + " and "
              + config.name()
              + " both consume "
              + config.destination()
              + " with group "
              + config.group()
              + " (expected: one subscription of a service for each destination and group, with all"
              + " types in one handler; on a topic, two groups)",
          null);
    }
  }
}
