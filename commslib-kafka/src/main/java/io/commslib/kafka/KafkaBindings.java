package io.commslib.kafka;

import io.commslib.core.messaging.Destination;
import java.util.Map;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The Kafka names of all destinations: those of bindings, otherwise those of the library. */
final class KafkaBindings {

  private final Function<Destination, @Nullable KafkaBinding> bindings;

  KafkaBindings(Map<Destination, KafkaBinding> bindings) {
    this(Map.copyOf(bindings)::get);
  }

  /** Creates bindings that a function knows; for destinations that are not known in advance. */
  KafkaBindings(Function<Destination, @Nullable KafkaBinding> bindings) {
    this.bindings = bindings;
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
