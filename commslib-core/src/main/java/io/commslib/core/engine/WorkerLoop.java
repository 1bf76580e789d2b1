package io.commslib.core.engine;

import io.commslib.core.call.CallContext;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The loop of each worker: takes ready records, runs the handler and applies the outcome. Whatever
 * fails unexpectedly, the worker's records go back to their lanes and its place is released.
 */
final class WorkerLoop {

  /** Records of one key that a worker handles in a row before another key gets its turn. */
  private static final int RECORDS_PER_TURN = 16;

  private final SubscriptionConfig config;
  private final CommsRuntime runtime;
  private final EngineState state;
  private final EngineEvents events;
  private final GateCheck gate;
  private final DeadLettering deadLettering;
  private final @Nullable DeferredRetries deferredRetries;
  private final boolean givesBackInPlace;
  private final AttemptRunner attemptRunner;
  private final @Nullable BatchAttemptRunner batchAttemptRunner;

  WorkerLoop(
      DeliveryEngineBuilder builder, EngineState state, EngineEvents events, GateCheck gate) {
    this.config = builder.config;
    this.runtime = Objects.requireNonNull(builder.runtime);
    this.state = state;
    this.events = events;
    this.gate = gate;
    this.deadLettering = new DeadLettering(builder, runtime.time(), state, events);
    this.deferredRetries =
        config.isUnordered() && builder.delayStore != null
            ? new DeferredRetries(builder.delayStore, runtime.time(), state, events)
            : null;
    this.givesBackInPlace = builder.givesBackInPlace;
    this.attemptRunner = new AttemptRunner(builder, state::isStopping, state::recordRead);
    this.batchAttemptRunner =
        config.batch().isPresent() && builder.handler instanceof BatchHandler batchHandler
            ? new BatchAttemptRunner(config, batchHandler, runtime.time())
            : null;
  }

  /** Runs one worker until there is nothing for it to do. */
  void run() {
    WorkerAccount worker = new WorkerAccount();
    CallContext before = CallContext.current();
    try {
      if (batchAttemptRunner == null) {
        handleRecords(worker);
      } else {
        handleBatches(worker, batchAttemptRunner);
      }
      state.flush();
    } catch (Throwable e) {
      state.workerFailed(worker, e);
    } finally {
      before.restore();
    }
  }

  private void handleRecords(WorkerAccount worker) {
    LaneEntry done = null;
    int turn = 0;
    while (true) {
      boolean gateOpen = gate.isOpen();
      LaneEntry next = state.next(worker, turn < RECORDS_PER_TURN, gateOpen);
      if (next == null && gateOpen) {
        gate.ended();
      }
      boolean sameLane =
          done != null && next != null && next.lane != null && done.lane == next.lane;
      turn = sameLane ? turn + 1 : 0;
      state.flush();
      if (next == null) {
        return;
      }
      AttemptOutcome outcome = attemptUnlessClosed(worker, next);
      gate.ended();
      if (outcome.kind() == AttemptOutcome.Kind.FINISHED) {
        state.acknowledge(next);
        // Recorded when the worker asks for its next record, to take the lock once.
        worker.outcome = outcome;
        done = next;
      } else if (apply(next, outcome)) {
        worker.entry = null;
        done = null;
        state.flush();
      } else {
        worker.entry = null;
        worker.running = false;
        return;
      }
    }
  }

  /** Takes as many records as a batch may have, and alone those that must run alone. */
  private void handleBatches(WorkerAccount worker, BatchAttemptRunner batches) {
    while (true) {
      boolean gateOpen = gate.isOpen();
      List<LaneEntry> batch = state.nextBatch(worker, gateOpen);
      if (batch.isEmpty() && gateOpen) {
        gate.ended();
      }
      state.flush();
      if (batch.isEmpty()) {
        return;
      }
      LaneEntry entry = batch.get(0);
      boolean continues = true;
      if (entry.mustRunAlone) {
        continues = runAlone(worker, entry);
      } else {
        runBatch(batches, batch);
      }
      worker.batch = List.of();
      if (!continues) {
        worker.running = false;
        return;
      }
    }
  }

  private boolean runAlone(WorkerAccount worker, LaneEntry entry) {
    AttemptOutcome outcome = attemptUnlessClosed(worker, entry);
    gate.ended();
    if (outcome.kind() != AttemptOutcome.Kind.FINISHED) {
      return apply(entry, outcome);
    }
    state.acknowledge(entry);
    state.finished(entry, outcome.count());
    return true;
  }

  private void runBatch(BatchAttemptRunner batches, List<LaneEntry> batch) {
    BatchRun run = new BatchRun(batch, attemptRunner);
    run.run(batches);
    gate.ended();
    run.finished().forEach((entry, count) -> state.acknowledge(entry));
    state.batchFinished(run);
  }

  /**
   * An interrupt set by other code must not reach this handler; that of a close ends the worker.
   */
  private AttemptOutcome attemptUnlessClosed(WorkerAccount worker, LaneEntry entry) {
    return Thread.interrupted() && state.isClosed()
        ? AttemptOutcome.giveBack()
        : attempt(worker, entry);
  }

  private AttemptOutcome attempt(WorkerAccount worker, LaneEntry entry) {
    LaneEntry.History history = entry.history;
    if (history == null) {
      return attemptRunner.run(worker, entry);
    }
    if (history.deadLetter != null) {
      return AttemptOutcome.deadLetter(history.deadLetterCount, "");
    }
    AttemptOutcome pending = history.pendingOutcome;
    history.pendingOutcome = null;
    if (pending == null) {
      history.outageCountsAsAttempt = false;
      return attemptRunner.run(worker, entry);
    }
    return pending;
  }

  /** Applies an outcome other than finished. Returns false if the worker must end. */
  private boolean apply(LaneEntry entry, AttemptOutcome outcome) {
    switch (outcome.kind()) {
      case RETRY:
        return retry(entry, outcome.after());
      case DEAD_LETTER:
        return deadLettering.deadLetter(entry, outcome);
      case OUTAGE:
      case JVM_FAILURE:
        state.returnAfterOutage(entry, outcome);
        return true;
      case GIVE_BACK:
        state.giveBack(entry, givesBackInPlace);
        return true;
      default:
        throw new IllegalStateException("outcome: " + outcome.kind());
    }
  }

  private boolean retry(LaneEntry entry, @Nullable Duration after) {
    LaneEntry.History history = entry.history();
    if (!history.outageCountsAsAttempt) {
      history.consecutiveOutages = 0;
      history.wasSuspected = false;
    }
    int failed = ++history.failedAttempts;
    Optional<Duration> scheduled = config.retry().delayAfter(failed, runtime.random());
    if (scheduled.isEmpty()) {
      return deadLettering.deadLetter(
          entry, AttemptOutcome.deadLetter(Count.DEAD_LETTERED, "ATTEMPTS_EXHAUSTED"));
    }
    Duration delay = after == null ? scheduled.get() : after;
    events.retry(entry, delay);
    if (deferredRetries != null && deferredRetries.defer(entry, delay)) {
      return false;
    }
    state.retryAfter(entry, delay);
    return true;
  }
}
