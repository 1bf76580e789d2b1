package io.commslib.service;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.SubscriptionConfig;
import java.util.LinkedHashMap;
import java.util.Map;

/** The destinations that one service publishes to and subscribes to. Confined to one thread. */
final class Destinations {

  private final Map<Destination, DestinationConfig> declared = new LinkedHashMap<>();

  /** Adds a declaration by the user; it replaces the one made from a subscription. */
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

  /** Declares a destination with defaults, unless it was declared before. */
  void publish(Destination to) {
    declared.computeIfAbsent(to, place -> DestinationConfig.builder(place).build());
  }

  /** Declares a subscription's destination with its group, so that no earlier message is missed. */
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
    // The owner of a verify-only destination declares its groups.
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
