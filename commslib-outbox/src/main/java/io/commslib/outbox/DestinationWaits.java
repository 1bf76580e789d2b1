package io.commslib.outbox;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;
import java.util.TreeSet;

/**
 * Destinations to which nothing is published now: unreachable ones, and those that an operator or
 * the policy for parked messages has stopped. Reports each change to the observer. Confined to the
 * relay's thread.
 */
final class DestinationWaits {

  private final DestinationPauses pauses;
  private final DestinationStops stops;
  private final OutboxEvents events;
  private Set<String> reportedStops = Set.of();

  DestinationWaits(DestinationPauses pauses, DestinationStops stops, OutboxEvents events) {
    this.pauses = pauses;
    this.stops = stops;
    this.events = events;
  }

  /** The names of all these destinations, in a new set. */
  Set<String> names() {
    Set<String> names = new TreeSet<>(pauses.paused());
    names.addAll(stops.names());
    return names;
  }

  boolean isStopped(String destination) {
    return stops.names().contains(destination);
  }

  /** Reads the stopped destinations. */
  void refresh(Connection connection) throws SQLException {
    stops.refresh(connection);
  }

  /** Reports destinations that were stopped or resumed since the last call. */
  void reportStops() {
    Set<String> before = reportedStops;
    Set<String> now = stops.names();
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
      events.destination(true, destination, "unreachable", failure);
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

  /** The time until an unreachable destination is tried again, at most {@code atMost}. */
  long nanosToNext(long atMost) {
    return pauses.nanosToNext(atMost);
  }
}
