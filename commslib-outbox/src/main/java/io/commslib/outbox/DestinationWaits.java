package io.commslib.outbox;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;
import java.util.TreeSet;

/**
 * Destinations for which nothing is published now: those out of reach, and those that an operator
 * or the policy for parked messages has stopped. Tells the observer when that changes. Confined to
 * the relay's thread.
 */
final class DestinationWaits {

  private final DestinationPauses pauses;
  private final DestinationStops stopped;
  private final OutboxEvents events;
  private Set<String> reportedStops = Set.of();

  DestinationWaits(DestinationPauses pauses, DestinationStops stopped, OutboxEvents events) {
    this.pauses = pauses;
    this.stopped = stopped;
    this.events = events;
  }

  /** All of them, in a new set. */
  Set<String> names() {
    Set<String> names = new TreeSet<>(pauses.paused());
    names.addAll(stopped.names());
    return names;
  }

  boolean isStopped(String destination) {
    return stopped.names().contains(destination);
  }

  /** Reads which ones are stopped. */
  void refresh(Connection connection) throws SQLException {
    stopped.refresh(connection);
  }

  /** Tells which ones have been stopped or resumed. */
  void reportStops() {
    Set<String> before = reportedStops;
    Set<String> now = stopped.names();
    if (before.equals(now)) {
      return;
    }
    reportedStops = now;
    for (String name : now) {
      if (!before.contains(name)) {
        events.destination(true, name, "stopped until OutboxAdmin.resume", null);
      }
    }
    for (String name : before) {
      if (!now.contains(name)) {
        events.destination(false, name, "resumed by an operator", null);
      }
    }
  }

  void reached(String destination) {
    if (pauses.succeeded(destination)) {
      events.destination(false, destination, "reached again", null);
    }
  }

  void unreachable(String destination, Throwable failure) {
    if (pauses.failed(destination)) {
      events.destination(true, destination, "out of reach", failure);
    }
  }

  /** Destinations that failed and have not been reached since. */
  Set<String> unreached() {
    return pauses.unreached();
  }

  /** Whether all destinations were reached when last tried. */
  boolean areAllReached() {
    return pauses.areAllReached();
  }

  /** How long until one that is out of reach is tried again. */
  long nanosToNext(long atMost) {
    return pauses.nanosToNext(atMost);
  }
}
