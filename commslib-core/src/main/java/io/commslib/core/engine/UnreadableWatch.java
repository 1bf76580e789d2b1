package io.commslib.core.engine;

import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * Limits the unreadable records that a subscription dead-letters before it has read one. Beyond the
 * limit each record waits for a pause of its own, which grows. It does not begin again when the
 * broker redelivers the record meanwhile. The first record that can be read ends the watch for
 * good, so that unreadable ones can't stop a route that works. Confined to {@link EngineState}'s
 * lock.
 */
final class UnreadableWatch {

  private static final Backoff PAUSES =
      Backoff.exponential(Duration.ofMinutes(1), Duration.ofHours(1)).withoutJitter();

  /** Above this number the pauses no longer grow. */
  private static final int MAX_PAUSES = 30;

  private final int limit;
  private final CommsRuntime runtime;
  private int deadLetters;
  private int pauses;

  /** The end of the current pause, which lasts while its record is away for a redelivery. */
  private long pauseEndNanos;

  private boolean pauseLasts;

  /** Whether a pause has ended whose record is still to come. */
  private boolean admitsOne;

  private boolean over;

  UnreadableWatch(int limit, CommsRuntime runtime) {
    this.limit = limit;
    this.runtime = runtime;
    this.over = limit == 0;
  }

  /** Counts an unreadable record; null if it may be dead-lettered, else the pause before that. */
  @Nullable Duration count(boolean isPaused) {
    if (over) {
      return null;
    }
    if (deadLetters < limit || admitsOne) {
      deadLetters++;
      admitsOne = false;
      return null;
    }
    long now = runtime.time().nanoTime();
    if (!pauseLasts) {
      pauseLasts = true;
      pauses = Math.min(MAX_PAUSES, pauses + 1);
      pauseEndNanos = now + PAUSES.next(pauses, runtime.random()).toNanos();
    }
    if (!isPaused && now - pauseEndNanos >= 0) {
      admitOne();
      return count(false);
    }
    return Duration.ofNanos(Math.max(0, pauseEndNanos - now));
  }

  /** The reason of a pause, with the setting that most likely is missing. */
  String reason() {
    return "none of the first "
        + deadLetters
        + " records could be read (expected: records in the format of the destination, see format of"
        + " DestinationConfig)";
  }

  /** A pause has ended: one more record may be dead-lettered. */
  void admitOne() {
    pauseLasts = false;
    admitsOne = true;
  }

  /** A record could be read. */
  void end() {
    over = true;
  }
}
