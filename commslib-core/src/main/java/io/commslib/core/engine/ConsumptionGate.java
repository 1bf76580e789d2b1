package io.commslib.core.engine;

import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.ScheduledTask;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Decides how many handlers may run. None starts while the user has paused the route, the gate is
 * closed, the pause of an outage lasts, or a message stops the route. After such a pause one
 * handler probes; the first outcome opens the route. Confined to {@link EngineState}'s lock; timers
 * report to it.
 */
final class ConsumptionGate {

  /** The pauses that end by a timer. */
  enum TimedPause {
    GATE,
    OUTAGE,
    MESSAGE
  }

  private static final Backoff OUTAGE_BACKOFF =
      Backoff.exponential(Duration.ofMillis(200), Duration.ofSeconds(5));
  private static final Duration GATE_PAUSE = Duration.ofMillis(100);
  private static final Backoff JVM_BACKOFF =
      Backoff.exponential(Duration.ofMillis(250), Duration.ofMinutes(1)).withoutJitter();

  /** Above this number the backoffs no longer grow. */
  private static final int MAX_COUNT = 30;

  private final CommsRuntime runtime;
  private final Consumer<TimedPause> onPauseOver;
  private boolean pausedByUser;
  private boolean gatePause;
  private boolean outagePause;
  private boolean messagePause;
  private boolean probing;
  private boolean storm;
  private boolean jvmFailure;
  private int outages;
  private int jvmFailures;
  private boolean closed;
  private String reason = "";
  private String messageReason = "";
  private @Nullable ScheduledTask messageTimer;

  /**
   * With the callback for the end of a timed pause, which calls {@link #endPause} under the lock.
   */
  ConsumptionGate(CommsRuntime runtime, Consumer<TimedPause> onPauseOver) {
    this.runtime = runtime;
    this.onPauseOver = onPauseOver;
  }

  /** The number of handlers that may run at the same time now. */
  int allowed(int workers) {
    if (pausedByUser || gatePause || outagePause || messagePause) {
      return 0;
    }
    return probing ? 1 : workers;
  }

  boolean isPaused() {
    return pausedByUser || gatePause || outagePause || messagePause || probing;
  }

  /** The reason of the last pause, or of the message that stops the route. */
  String reason() {
    return messagePause ? messageReason : reason;
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
    if (gatePause || closed) {
      return false;
    }
    // The end is scheduled first: a pause whose end could not be scheduled would last indefinitely.
    runtime.scheduler().schedule(GATE_PAUSE, () -> onPauseOver.accept(TimedPause.GATE));
    boolean opened = !isPaused();
    gatePause = true;
    probing = true;
    reason = "gate closed";
    return opened;
  }

  /** Returns true if the route was open before. */
  boolean pauseForOutage(String why) {
    if (outagePause || closed) {
      return false;
    }
    int count = Math.min(outages + 1, MAX_COUNT);
    // At least half of the bound: a random pause near zero would overload a broker that is down.
    Duration half = OUTAGE_BACKOFF.withoutJitter().next(count, runtime.random()).dividedBy(2);
    return pause(why, OUTAGE_BACKOFF.next(count, runtime.random()).dividedBy(2).plus(half), count);
  }

  /** Pauses as for an outage, because one cause would have dead-lettered messages of many keys. */
  boolean pauseForStorm(String why) {
    storm = true;
    return pauseForOutage(why);
  }

  /** Pauses because this process fails; the pause grows with each failure in a row. */
  boolean pauseForJvmFailure(String why) {
    jvmFailure = true;
    if (outagePause || closed) {
      return false;
    }
    jvmFailures = Math.min(jvmFailures + 1, MAX_COUNT);
    return pause(why, jvmPause(), outages);
  }

  /**
   * Pauses because a message waits here and no other may be handled before it. Returns true if the
   * route was open before.
   */
  boolean pauseForMessage(String why, Duration duration) {
    if (messagePause || closed) {
      return false;
    }
    messageTimer =
        runtime.scheduler().schedule(duration, () -> onPauseOver.accept(TimedPause.MESSAGE));
    boolean opened = !isPaused();
    messagePause = true;
    probing = true;
    messageReason = why;
    reason = why;
    return opened;
  }

  boolean isStoppedByMessage() {
    return messagePause;
  }

  /** Ends {@link #pauseForMessage}; the probe follows. Returns true if it lasted until now. */
  boolean endMessagePause() {
    ScheduledTask timer = messageTimer;
    messageTimer = null;
    if (timer != null) {
      timer.cancel();
    }
    boolean lasted = messagePause;
    messagePause = false;
    return lasted;
  }

  private boolean pause(String why, Duration duration, int count) {
    runtime.scheduler().schedule(duration, () -> onPauseOver.accept(TimedPause.OUTAGE));
    boolean opened = !isPaused();
    outagePause = true;
    probing = true;
    reason = why;
    outages = count;
    return opened;
  }

  /** Ends a pause of the gate or of an outage whose time is over; the probe follows. */
  void endPause(TimedPause pause) {
    if (pause == TimedPause.GATE) {
      gatePause = false;
    } else {
      outagePause = false;
    }
  }

  boolean isStorm() {
    return storm;
  }

  boolean isJvmFailure() {
    return jvmFailure;
  }

  /** The pause after the last error of the JVM. */
  Duration jvmPause() {
    return JVM_BACKOFF.next(Math.max(1, jvmFailures), runtime.random());
  }

  /** The probe has an outcome, so the route opens. Returns true if it was paused until now. */
  boolean endProbing() {
    if (!endProbingUntried()) {
      return false;
    }
    outages = 0;
    jvmFailures = 0;
    return true;
  }

  /**
   * Opens the route although there is no record to probe with: another failure pauses it for
   * longer. Returns true if it was paused until now.
   */
  boolean endProbingUntried() {
    if (!probing || outagePause || gatePause || messagePause) {
      return false;
    }
    probing = false;
    storm = false;
    jvmFailure = false;
    return true;
  }

  void close() {
    closed = true;
    endMessagePause();
  }
}
