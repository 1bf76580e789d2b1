package io.commslib.rabbit;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Destination;
import java.nio.charset.StandardCharsets;

/**
 * Names of queues and exchanges. Names of destinations and groups contain no {@code @}, so the
 * default names of two destinations or groups never collide.
 */
final class RabbitNames {

  private static final int MAX_BYTES = 255;

  private RabbitNames() {}

  /** {@return the queue that a group consumes by default} */
  static String queue(Destination destination, String group) {
    return destination.kind() == Destination.Kind.TOPIC
        ? queueOf(destination.name(), group)
        : destination.name();
  }

  /** {@return the default queue of a group that is bound to an exchange} */
  static String queueOf(String exchange, String group) {
    return exchange + "@" + group;
  }

  static String deadLetters(String queue) {
    return queue + "@.dlq";
  }

  /**
   * {@return the exchange that routes to the group's queue and is used for redrives only, so that
   * every message received through it was sent by the library}
   */
  static String redrive(String queue) {
    return queue + "@.redrive";
  }

  /** {@return the queue with a marker for each unfinished attempt on a suspicious record} */
  static String attemptMarkers(String queue) {
    return queue + "@.begun";
  }

  /**
   * Checks a name that a binding gives.
   *
   * @throws IllegalArgumentException if AMQP or the broker does not allow it
   */
  static String checked(String what, String name) {
    Checks.check(
        !name.isEmpty() && fits(name) && !name.startsWith("amq."),
        what,
        name,
        "1..255 bytes in UTF-8, not starting with amq.");
    return name;
  }

  /** {@return whether a text fits in a short string of AMQP} */
  static boolean fits(String text) {
    return text.length() * 3 <= MAX_BYTES
        || text.getBytes(StandardCharsets.UTF_8).length <= MAX_BYTES;
  }
}
