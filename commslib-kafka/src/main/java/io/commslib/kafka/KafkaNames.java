package io.commslib.kafka;

import io.commslib.core.messaging.Destination;
import java.time.Duration;
import java.util.regex.Pattern;

/**
 * The names of the Kafka topics of a destination without a {@link KafkaBinding}. A topic has its
 * own name and a queue has {@code <name>.queue}. Each group of either appends {@code .<group>.dlq}
 * for its dead letters, {@code .<group>.redrive} for redriven messages, and {@code
 * .<group>.delay-<millis>} for deferred retries of an unordered subscription.
 */
final class KafkaNames {

  private static final String DELAY = ".delay-";
  private static final Pattern OF_DELAY = Pattern.compile(".*" + Pattern.quote(DELAY) + "[0-9]+");

  private KafkaNames() {}

  /** Whether a destination of this name could collide with the topics of another destination. */
  static boolean isReserved(String name) {
    return name.endsWith(".queue")
        || name.endsWith(".dlq")
        || name.endsWith(".redrive")
        || OF_DELAY.matcher(name).matches();
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
    return deadLetters(groupId(destination, group));
  }

  static String deadLetters(String prefix) {
    return prefix + ".dlq";
  }

  static String redrive(Destination destination, String group) {
    return redrive(groupId(destination, group));
  }

  static String redrive(String prefix) {
    return prefix + ".redrive";
  }

  static String delay(Destination destination, String group, Duration delay) {
    return delay(groupId(destination, group), delay);
  }

  static String delay(String prefix, Duration delay) {
    return prefix + DELAY + delay.toMillis();
  }
}
