package io.commslib.service;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.SubscriptionConfig;
import java.util.LinkedHashMap;
import java.util.Map;

/** The destinations of one service: what it publishes to and what it subscribes to. Confined. */
final class Destinations {

  private final Map<Destination, DestinationConfig> declared = new LinkedHashMap<>();

  /** Takes a declaration of the user's; it replaces one that was made from a subscription. */
  void declare(DestinationConfig config) {
    DestinationConfig before = declared.get(config.destination());
    DestinationConfig with = config;
    if (before != null && config.destination().kind() == Destination.Kind.TOPIC) {
      for (String group : before.groups()) {
        with = with(with, group);
      }
    }
    declared.put(config.destination(), with);
  }

  /** Declares what a service publishes to, unless that was declared before. */
  void publish(Destination to) {
    declared.computeIfAbsent(to, place -> DestinationConfig.builder(place).build());
  }

  /** Declares what a subscription reads, with its group, so that no message is missed meanwhile. */
  void subscribe(SubscriptionConfig subscription) {
    Destination source = subscription.destination();
    publish(source);
    if (source.kind() == Destination.Kind.TOPIC) {
      declared.computeIfPresent(source, (place, config) -> with(config, subscription.group()));
    }
  }

  void declareOn(MessageTransport transport) {
    declared.values().forEach(transport::declare);
  }

  Destination require(Destination to) {
    Checks.check(
        declared.containsKey(to),
        "destination",
        to,
        "one of " + declared.keySet() + ", or named by publishes(...) before the start");
    return to;
  }

  private static DestinationConfig with(DestinationConfig config, String group) {
    // The groups of a destination of others are the business of its owner.
    if (config.isVerifyOnly() || config.groups().contains(group)) {
      return config;
    }
    DestinationConfig.Builder builder =
        DestinationConfig.builder(config.destination()).partitions(config.partitions());
    config.groups().forEach(builder::group);
    if (config.isOptional()) {
      builder.optional();
    }
    return builder.group(group).build();
  }
}
