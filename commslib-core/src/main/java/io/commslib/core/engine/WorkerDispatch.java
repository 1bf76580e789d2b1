package io.commslib.core.engine;

import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Counts the workers, decides when to request another one and which records a worker takes next.
 * Confined to {@link EngineState}'s lock.
 */
final class WorkerDispatch {

  /** Workers that may be starting at the same time. */
  private static final int MAX_STARTING = 2;

  private final SubscriptionConfig config;
  private final CommsRuntime runtime;
  private final IntakeBounds intake;
  private final Lanes lanes;
  private final RoutePauses route;
  private final StopFlags stop;
  private final Watchdog watchdog;
  private final WorkerStarter starter;
  private final Runnable onBatchDue;

  /** Workers that hold a place: starting, with records, or with a publish in progress. */
  private int running;

  /** Workers among the running ones that have not asked for their first record yet. */
  private int starting;

  /** The record that runs alone, while it runs. */
  private @Nullable LaneEntry alone;

  private boolean batchTimerSet;

  /** With the callback for the time when an incomplete batch is due. */
  WorkerDispatch(
      SubscriptionConfig config,
      CommsRuntime runtime,
      IntakeBounds intake,
      Lanes lanes,
      RoutePauses route,
      StopFlags stop,
      Watchdog watchdog,
      WorkerStarter starter,
      Runnable onBatchDue) {
    this.config = config;
    this.runtime = runtime;
    this.intake = intake;
    this.lanes = lanes;
    this.route = route;
    this.stop = stop;
    this.watchdog = watchdog;
    this.starter = starter;
    this.onBatchDue = onBatchDue;
  }

  int running() {
    return running;
  }

  /** Requests one more worker if there is work for it; that worker requests the next one. */
  void requestWorker() {
    if (starting < MAX_STARTING
        && !stop.isStopping()
        && running < route.allowed(config.workers())
        && hasWork()) {
      running++;
      starting++;
      starter.request();
    }
  }

  /** A worker asks for its first record. */
  void countStarted(WorkerAccount worker) {
    if (worker.starting) {
      worker.starting = false;
      starting--;
    }
  }

  /** A requested worker could not be started. */
  void countNotStarted() {
    running--;
    starting--;
  }

  /** A worker ends. */
  void releasePlace(WorkerAccount worker) {
    if (worker.running) {
      worker.running = false;
      releasePlace();
    }
  }

  /** The publish that a worker began is over; its thread has ended before. */
  void releasePlace() {
    running--;
  }

  /** Takes the next record for a worker; null tells it to end. */
  @Nullable LaneEntry take(boolean gateOpen) {
    if (!mayRun(gateOpen)) {
      return null;
    }
    watchdog.scheduleCheck();
    LaneEntry entry = mayStartNext() ? lanes.takeReady() : null;
    if (entry != null) {
      noteTaken(entry);
    }
    return entry;
  }

  /** Takes the next batch for a worker; an empty one tells it to end. */
  List<LaneEntry> takeBatch(boolean gateOpen) {
    if (!mayRun(gateOpen) || !hasWork()) {
      return List.of();
    }
    BatchBounds bounds = config.batch().orElseThrow();
    watchdog.scheduleCheck();
    List<LaneEntry> batch =
        lanes.takeBatch(route.isPaused() ? 1 : bounds.maxItems(), bounds.maxBytes());
    for (int i = 0; i < batch.size(); i++) {
      noteTaken(batch.get(i));
    }
    return batch;
  }

  private boolean mayRun(boolean gateOpen) {
    if (!gateOpen) {
      route.pauseForGate();
      return false;
    }
    return !stop.isStopping() && running <= route.allowed(config.workers());
  }

  private void noteTaken(LaneEntry entry) {
    if (entry.raw.runsAlone()) {
      alone = entry;
    }
  }

  /**
   * Whether the next ready record may start now. A record that runs alone waits for the others, and
   * they wait for it, except for handlers that do not return.
   */
  private boolean mayStartNext() {
    LaneEntry now = alone;
    if (now != null) {
      if (now.state == LaneEntry.State.ACTIVE && !watchdog.isStuck(now)) {
        return false;
      }
      alone = null;
    }
    LaneEntry next = lanes.firstReady();
    return next != null
        && (!next.raw.runsAlone() || lanes.active().stream().allMatch(watchdog::isStuck));
  }

  private boolean hasWork() {
    if (!mayStartNext()) {
      return false;
    }
    LaneEntry first = lanes.firstReady();
    if (first == null || config.batch().isEmpty() || first.mustRunAlone) {
      return first != null;
    }
    BatchBounds bounds = config.batch().orElseThrow();
    long left = first.receivedNanos + bounds.maxAge().toNanos() - runtime.time().nanoTime();
    if (left <= 0 || !intake.isOpen() || lanes.fillsBatch(bounds)) {
      return true;
    }
    if (!batchTimerSet) {
      runtime.scheduler().schedule(Duration.ofNanos(left), onBatchDue);
      batchTimerSet = true;
    }
    return false;
  }

  void batchTimerEnded() {
    batchTimerSet = false;
  }
}
