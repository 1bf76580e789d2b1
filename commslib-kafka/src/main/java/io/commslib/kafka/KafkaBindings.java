package io.commslib.kafka;

import io.commslib.core.messaging.Destination;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The Kafka names of all destinations: those of bindings, otherwise those of the library. */
final class KafkaBindings {

  private final Function<Destination, @Nullable KafkaBinding> bindings;

  /** The group of each topic that a binding names for something else than a destination. */
  private final Map<String, String> owners;

  KafkaBindings(Map<Destination, KafkaBinding> bindings) {
    this.bindings = Map.copyOf(bindings)::get;
    this.owners = new HashMap<>();
    bindings.forEach(
        (destination, binding) ->
            binding
                .groups()
                .forEach(
                    group ->
                        new GroupNames(destination, group, binding)
                            .targets()
                            .forEach(topic -> owners.put(topic, group + " of " + destination))));
  }

  /** Creates bindings that a function knows; for destinations that are not known in advance. */
  KafkaBindings(Function<Destination, @Nullable KafkaBinding> bindings) {
    this.bindings = bindings;
    this.owners = Map.of();
  }

  /** The bound group that has a topic for its dead letters, redriven or deferred messages. */
  Optional<String> owner(String topic) {
    return Optional.ofNullable(owners.get(topic));
  }

  /** Whether the names of a destination were chosen by the application. */
  boolean isBound(Destination destination) {
    return bindings.apply(destination) != null;
  }

  /** Whether the topics of a destination belong to others, so that none is created. */
  boolean isExisting(Destination destination) {
    KafkaBinding binding = bindings.apply(destination);
    return binding != null && binding.isExisting();
  }

  /** The topic that a destination is published to. Allocates nothing. */
  String topic(Destination destination) {
    KafkaBinding binding = bindings.apply(destination);
    return binding == null ? KafkaNames.topic(destination) : binding.topicName();
  }

  GroupNames group(Destination destination, String group) {
    return new GroupNames(destination, group, bindings.apply(destination));
  }
}
