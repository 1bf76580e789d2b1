package io.commslib.outbox;

/**
 * The pause of a relay after an error of the JVM: the relay gives its shards back, reports it, and
 * continues after a while. Confined to the relay's thread.
 */
final class RelayPause {

  private final RelayStandby standby;
  private final Runnable onStandbyChange;
  private final OutboxEvents events;
  private final RelayLoopProgress progress;

  /**
   * Creates a pause that is off.
   *
   * @param onStandbyChange wakes the lease thread, which gives the shards back or takes them again
   */
  RelayPause(
      RelayStandby standby,
      Runnable onStandbyChange,
      OutboxEvents events,
      RelayLoopProgress progress) {
    this.standby = standby;
    this.onStandbyChange = onStandbyChange;
    this.events = events;
    this.progress = progress;
  }

  boolean isOn() {
    return standby.isOn();
  }

  /** Begins the pause. Must be the first step, because every later one may fail as well. */
  void begin(Throwable failure) {
    standby.begin(failure);
  }

  /** Makes the lease thread give the shards back, and reports the pause. */
  void announce(Throwable failure) {
    onStandbyChange.run();
    events.component(true, "the relay pauses and gives its shards back", failure);
  }

  /** The time until the pause is over; 0 or less once it is. */
  long nanosLeft() {
    progress.doing("pausing after an error of the JVM");
    return standby.nanosLeft();
  }

  void end() {
    standby.end();
    onStandbyChange.run();
    events.component(false, "the relay continues", null);
  }

  /** A publish succeeded: the next pause is short again. */
  void succeeded() {
    standby.succeeded();
  }
}
