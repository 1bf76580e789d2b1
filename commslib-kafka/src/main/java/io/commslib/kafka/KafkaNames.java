package io.commslib.kafka;

import io.commslib.core.messaging.Destination;
import java.time.Duration;

/**
 * Which Kafka topic stands for what: a topic has its own name, a queue {@code <name>.queue}, and
 * each group of either {@code .<group>.dlq} for its dead letters, {@code .<group>.redrive} for what
 * is sent back to it, and {@code .<group>.delay-<millis>} for what an unordered subscription lets
 * wait.
 */
final class KafkaNames {

  private static final String DELAY = ".delay-";

  private KafkaNames() {}

  /** Such a name could be another destination's own topic. */
  static boolean isReserved(String name) {
    return name.endsWith(".queue") || name.endsWith(".dlq") || isOwn(name);
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

  static String delay(Destination destination, String group, Duration delay) {
    return groupId(destination, group) + DELAY + delay.toMillis();
  }

  /** Asked for each record: leaves nothing to collect. */
  static boolean isDelay(String topic) {
    int digits = topic.length();
    while (digits > 0 && topic.charAt(digits - 1) >= '0' && topic.charAt(digits - 1) <= '9') {
      digits--;
    }
    return digits < topic.length() && topic.startsWith(DELAY, digits - DELAY.length());
  }

  /** Whether only the library itself writes there. */
  static boolean isOwn(String topic) {
    return topic.endsWith(".redrive") || isDelay(topic);
  }
}
