package io.commslib.rabbit;

import io.commslib.core.messaging.Destination;

/**
 * Which queue and exchange stands for what. Names of destinations and groups hold no {@code @}, so
 * none of these collides with another's.
 */
final class RabbitNames {

  private RabbitNames() {}

  /** A topic is a fanout exchange of its name; a queue is reached through the default exchange. */
  static String exchange(Destination destination) {
    return destination.kind() == Destination.Kind.TOPIC ? destination.name() : "";
  }

  /** What a group consumes. */
  static String queue(Destination destination, String group) {
    return destination.kind() == Destination.Kind.TOPIC
        ? destination.name() + "@" + group
        : destination.name();
  }

  static String deadLetters(Destination destination, String group) {
    return queue(destination, group) + "@.dlq";
  }

  /**
   * The exchange that leads to the group's queue and is used for redriven letters alone: what came
   * through it was sent by the library.
   */
  static String redrive(Destination destination, String group) {
    return queue(destination, group) + "@.redrive";
  }

  /** Holds a note for each attempt on a suspicious record that has begun and has not ended. */
  static String attemptMarkers(Destination destination, String group) {
    return queue(destination, group) + "@.begun";
  }
}
