package io.commslib.kafka;

import io.commslib.core.messaging.Destination;
import java.time.Duration;

/**
 * The names of the Kafka topics. A topic has its own name and a queue has {@code <name>.queue}.
 * Each group of either appends {@code .<group>.dlq} for its dead letters, {@code .<group>.redrive}
 * for redriven messages, and {@code .<group>.delay-<millis>} for deferred retries of an unordered
 * subscription.
 */
final class KafkaNames {

  private static final String DELAY = ".delay-";

  private KafkaNames() {}

  /** Whether a destination of this name could collide with the topics of another destination. */
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

  /** Whether it is the topic of a delay. Called for each record: allocates nothing. */
  static boolean isDelay(String topic) {
    int digits = topic.length();
    while (digits > 0 && topic.charAt(digits - 1) >= '0' && topic.charAt(digits - 1) <= '9') {
      digits--;
    }
    return digits < topic.length() && topic.startsWith(DELAY, digits - DELAY.length());
  }

  /** Whether only the library itself writes to the topic. */
  static boolean isOwn(String topic) {
    return topic.endsWith(".redrive") || isDelay(topic);
  }
}
