package io.commslib.rabbit;

import io.commslib.core.messaging.Destination;

/**
 * Names of queues and exchanges. Names of destinations and groups contain no {@code @}, so the
 * names of two destinations or groups never collide.
 */
final class RabbitNames {

  private RabbitNames() {}

  /** {@return the fanout exchange of a topic, or the default exchange for a queue} */
  static String exchange(Destination destination) {
    return destination.kind() == Destination.Kind.TOPIC ? destination.name() : "";
  }

  /** {@return the queue that a group consumes} */
  static String queue(Destination destination, String group) {
    return destination.kind() == Destination.Kind.TOPIC
        ? destination.name() + "@" + group
        : destination.name();
  }

  static String deadLetters(Destination destination, String group) {
    return queue(destination, group) + "@.dlq";
  }

  /**
   * {@return the exchange that routes to the group's queue and is used for redrives only, so that
   * every message received through it was sent by the library}
   */
  static String redrive(Destination destination, String group) {
    return queue(destination, group) + "@.redrive";
  }

  /** {@return the queue with a marker for each unfinished attempt on a suspicious record} */
  static String attemptMarkers(Destination destination, String group) {
    return queue(destination, group) + "@.begun";
  }
}
