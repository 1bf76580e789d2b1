package io.commslib.kafka;

import io.commslib.core.messaging.Destination;

/**
 * Which Kafka topic stands for what: a topic has its own name, a queue {@code <name>.queue}, and
 * each group of either {@code .<group>.dlq} for its dead letters and {@code .<group>.redrive} for
 * what is sent back to it.
 */
final class KafkaNames {

  private KafkaNames() {}

  /** Such a name could be another destination's own topic. */
  static boolean isReserved(String name) {
    return name.endsWith(".queue") || name.endsWith(".dlq") || name.endsWith(".redrive");
  }

  static String topic(Destination destination) {
    return destination.kind() == Destination.Kind.TOPIC
        ? destination.name()
        : destination.name() + ".queue";
  }

  static String groupId(Destination destination, String group) {
    return topic(destination) + "." + group;
  }

  static String deadLetters(Destination destination, String group) {
    return groupId(destination, group) + ".dlq";
  }

  static String redrive(Destination destination, String group) {
    return groupId(destination, group) + ".redrive";
  }

  /** Whether only the library itself writes there. */
  static boolean isRedrive(String topic) {
    return topic.endsWith(".redrive");
  }
}
