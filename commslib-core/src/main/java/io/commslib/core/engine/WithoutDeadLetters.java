package io.commslib.core.engine;

/**
 * The records that wait in the engine for another attempt because there are no dead letters.
 * Confined to {@link EngineState}'s lock.
 */
final class WithoutDeadLetters {

  private final Lanes lanes;
  private int count;

  WithoutDeadLetters(Lanes lanes) {
    this.lanes = lanes;
  }

  /** Adds a record that would be a dead letter. Returns the number of its waits with this one. */
  int add(LaneEntry entry, String reason) {
    LaneEntry.History history = entry.history();
    if (history.waitsWithoutDeadLetters++ == 0) {
      count++;
    }
    history.waitReason = reason;
    history.isTriedByUser = false;
    // A settlement to the dead letters counts as a failed attempt here.
    history.failedAttempts = Math.max(history.failedAttempts, entry.handlerRuns);
    entry.mustRunAlone = true;
    return history.waitsWithoutDeadLetters;
  }

  /** A record leaves the engine. */
  void remove(LaneEntry.History history) {
    if (history.waitsWithoutDeadLetters > 0) {
      count--;
    }
  }

  /** Ends the waits of all of them. */
  void tryAll() {
    LaneEntry next = count == 0 ? null : lanes.oldest();
    while (next != null) {
      LaneEntry.History history = next.history;
      if (history != null && history.waitsWithoutDeadLetters > 0) {
        history.isTriedByUser = true;
        lanes.endWaiting(next);
      }
      next = next.younger;
    }
  }

  /** The oldest of them and the number of the others; empty if there is none. */
  String text() {
    LaneEntry next = count == 0 ? null : lanes.oldest();
    while (next != null) {
      LaneEntry.History history = next.history;
      if (history != null && history.waitsWithoutDeadLetters > 0) {
        return text(next) + (count == 1 ? "" : ", and " + (count - 1) + " more");
      }
      next = next.younger;
    }
    return "";
  }

  static String text(LaneEntry entry) {
    return "no dead letters for " + entry.shownId() + ": " + entry.history().waitReason;
  }
}
