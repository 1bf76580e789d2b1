package io.commslib.core.engine;

import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * Whether handlers may start: not while the user has paused, the gate is closed, or an outage is
 * waited for. After an outage's wait one handler probes; the first that gets through opens the
 * route. Guarded by the engine's lock, under which the timers make their changes too.
 */
final class ConsumptionGate {

  private static final Backoff OUTAGE_BACKOFF =
      Backoff.exponential(Duration.ofMillis(200), Duration.ofSeconds(5));
  private static final Duration GATE_PAUSE = Duration.ofMillis(100);
  private static final Backoff JVM_BACKOFF =
      Backoff.exponential(Duration.ofMillis(250), Duration.ofMinutes(1)).withoutJitter();

  private final CommsRuntime runtime;
  private final Consumer<Runnable> underLock;
  private final Runnable onEnd;
  private boolean pausedByUser;
  private boolean gateClosed;
  private boolean outage;
  private boolean probing;
  private boolean flood;
  private boolean machineFailed;
  private int outages;
  private int jvmFailures;
  private boolean closed;
  private volatile String reason = "";

  /** With what is told under the lock when the time of a pause is over. */
  ConsumptionGate(CommsRuntime runtime, Consumer<Runnable> underLock, Runnable onEnd) {
    this.runtime = runtime;
    this.underLock = underLock;
    this.onEnd = onEnd;
  }

  /** How many handlers may run at once now. */
  int allowed(int workers) {
    if (pausedByUser || gateClosed || outage) {
      return 0;
    }
    return probing ? 1 : workers;
  }

  boolean isPaused() {
    return pausedByUser || gateClosed || outage || probing;
  }

  String reason() {
    return reason;
  }

  void pauseByUser() {
    pausedByUser = true;
    reason = "by user";
  }

  void resumeByUser() {
    pausedByUser = false;
  }

  /** Returns true if the route was open before. */
  boolean gateClosed() {
    if (gateClosed || closed) {
      return false;
    }
    // The end is set first: without it a pause that could not be scheduled would have none.
    runtime.scheduler().schedule(GATE_PAUSE, () -> end(() -> gateClosed = false));
    boolean opened = !isPaused();
    gateClosed = true;
    probing = true;
    reason = "gate closed";
    return opened;
  }

  /** Returns true if the route was open before. */
  boolean outage(String why) {
    if (outage || closed) {
      return false;
    }
    int count = Math.min(outages + 1, 30);
    // At least half of the bound: a random wait near zero would hammer a broker that is down.
    Duration half = OUTAGE_BACKOFF.withoutJitter().next(count, runtime.random()).dividedBy(2);
    return pause(why, OUTAGE_BACKOFF.next(count, runtime.random()).dividedBy(2).plus(half), count);
  }

  private boolean pause(String why, Duration wait, int count) {
    runtime.scheduler().schedule(wait, () -> end(() -> outage = false));
    boolean opened = !isPaused();
    outage = true;
    probing = true;
    reason = why;
    outages = count;
    return opened;
  }

  private void end(Runnable change) {
    underLock.accept(
        () -> {
          change.run();
          onEnd.run();
        });
  }

  /**
   * There is no record to try with whether the trouble is over: the next ones begin as usual, and
   * another failure pauses for longer. Returns true if the route was paused until now.
   */
  boolean hasNothingToTry() {
    if (!probing || outage || gateClosed) {
      return false;
    }
    probing = false;
    flood = false;
    machineFailed = false;
    return true;
  }

  /** An outage in which one cause would have dead-lettered many keys. */
  boolean flood(String why) {
    flood = true;
    return outage(why);
  }

  boolean isFlood() {
    return flood;
  }

  /** An outage of this very process; the pause grows with each one. */
  boolean machineFailed(String why) {
    machineFailed = true;
    if (outage || closed) {
      return false;
    }
    jvmFailures = Math.min(jvmFailures + 1, 30);
    return pause(why, jvmPause(), outages);
  }

  /** The pause after the last error of the JVM. */
  Duration jvmPause() {
    return JVM_BACKOFF.next(Math.max(1, jvmFailures), runtime.random());
  }

  boolean isMachineFailed() {
    return machineFailed;
  }

  /** A handler got through; returns true if the route was paused until now. */
  boolean succeeded() {
    if (!probing || outage || gateClosed) {
      return false;
    }
    probing = false;
    flood = false;
    machineFailed = false;
    outages = 0;
    jvmFailures = 0;
    return true;
  }

  void close() {
    closed = true;
  }
}
