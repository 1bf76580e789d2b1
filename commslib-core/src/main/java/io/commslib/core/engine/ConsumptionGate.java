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
  private boolean pauseForGate;
  private boolean pauseForOutage;
  private boolean probing;
  private boolean pauseForStorm;
  private boolean pauseForJvmFailure;
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
    if (pausedByUser || pauseForGate || pauseForOutage) {
      return 0;
    }
    return probing ? 1 : workers;
  }

  boolean isPaused() {
    return pausedByUser || pauseForGate || pauseForOutage || probing;
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
  boolean pauseForGate() {
    if (pauseForGate || closed) {
      return false;
    }
    // The end is set first: without it a pause that could not be scheduled would have none.
    runtime.scheduler().schedule(GATE_PAUSE, () -> end(() -> pauseForGate = false));
    boolean opened = !isPaused();
    pauseForGate = true;
    probing = true;
    reason = "gate closed";
    return opened;
  }

  /** Returns true if the route was open before. */
  boolean pauseForOutage(String why) {
    if (pauseForOutage || closed) {
      return false;
    }
    int count = Math.min(outages + 1, 30);
    // At least half of the bound: a random wait near zero would hammer a broker that is down.
    Duration half = OUTAGE_BACKOFF.withoutJitter().next(count, runtime.random()).dividedBy(2);
    return pause(why, OUTAGE_BACKOFF.next(count, runtime.random()).dividedBy(2).plus(half), count);
  }

  private boolean pause(String why, Duration wait, int count) {
    runtime.scheduler().schedule(wait, () -> end(() -> pauseForOutage = false));
    boolean opened = !isPaused();
    pauseForOutage = true;
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
  boolean endProbingUntried() {
    if (!probing || pauseForOutage || pauseForGate) {
      return false;
    }
    probing = false;
    pauseForStorm = false;
    pauseForJvmFailure = false;
    return true;
  }

  /** An outage in which one cause would have dead-lettered many keys. */
  boolean pauseForStorm(String why) {
    pauseForStorm = true;
    return pauseForOutage(why);
  }

  boolean isStorm() {
    return pauseForStorm;
  }

  /** An outage of this very process; the pause grows with each one. */
  boolean pauseForJvmFailure(String why) {
    pauseForJvmFailure = true;
    if (pauseForOutage || closed) {
      return false;
    }
    jvmFailures = Math.min(jvmFailures + 1, 30);
    return pause(why, jvmPause(), outages);
  }

  /** The pause after the last error of the JVM. */
  Duration jvmPause() {
    return JVM_BACKOFF.next(Math.max(1, jvmFailures), runtime.random());
  }

  boolean isJvmFailure() {
    return pauseForJvmFailure;
  }

  /** A handler got through; returns true if the route was paused until now. */
  boolean endProbing() {
    if (!probing || pauseForOutage || pauseForGate) {
      return false;
    }
    probing = false;
    pauseForStorm = false;
    pauseForJvmFailure = false;
    outages = 0;
    jvmFailures = 0;
    return true;
  }

  void close() {
    closed = true;
  }
}
