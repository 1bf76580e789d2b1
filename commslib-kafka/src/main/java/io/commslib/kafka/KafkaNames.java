package io.commslib.kafka;

import io.commslib.core.messaging.Destination;
import java.time.Duration;
import java.util.regex.Pattern;

/**
 * Which Kafka topic stands for what: a topic has its own name, a queue {@code <name>.queue}, and
 * each group of either {@code .<group>.dlq} for its dead letters, {@code .<group>.redrive} for what
 * is sent back to it, and {@code .<group>.delay-<millis>} for what an unordered subscription lets
 * wait.
 */
final class KafkaNames {

  private static final Pattern DELAY = Pattern.compile("\\.delay-[0-9]+$");

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
    return groupId(destination, group) + ".delay-" + delay.toMillis();
  }

  static boolean isDelay(String topic) {
    return DELAY.matcher(topic).find();
  }

  /** Whether only the library itself writes there. */
  static boolean isOwn(String topic) {
    return topic.endsWith(".redrive") || isDelay(topic);
  }
}
