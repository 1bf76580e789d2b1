package io.commslib.outbox;

/**
 * The pause of a relay after an error of the JVM: the relay gives its shards back, says so, and
 * goes on after a while. Confined to the relay's thread.
 */
final class RelayPause {

  private final RelayStandby standby;
  private final Runnable onStandbyChange;
  private final OutboxEvents events;
  private final RelayLoopProgress progress;

  /**
   * Creates it.
   *
   * @param onChange wakes the thread that gives the shards back, or takes them again
   */
  RelayPause(
      RelayStandby standby, Runnable onChange, OutboxEvents events, RelayLoopProgress pulse) {
    this.standby = standby;
    this.onStandbyChange = onChange;
    this.events = events;
    this.progress = pulse;
  }

  boolean isOn() {
    return standby.isOn();
  }

  /** Begins; first of all, since what comes after it may fail as well. */
  void begin(Throwable failure) {
    standby.begin(failure);
  }

  /** Lets the shards go. */
  void announce(Throwable failure) {
    onStandbyChange.run();
    events.component(true, "the relay pauses and gives its shards back", failure);
  }

  /** How long it lasts; 0 or less once it is over. */
  long nanosLeft() {
    progress.doing("pausing after an error of the JVM");
    return standby.nanosLeft();
  }

  void end() {
    standby.end();
    onStandbyChange.run();
    events.component(false, "the relay goes on", null);
  }

  /** A publish worked: the next pause is a short one. */
  void succeeded() {
    standby.succeeded();
  }
}
