package io.commslib.core.engine;

import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.resilience.Gate;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What a worker does: takes ready records, runs their handler, applies what it came to. */
final class WorkerLoop {

  /** Records of one key a worker handles in a row before another key gets its turn. */
  private static final int RECORDS_PER_TURN = 16;

  private static final Duration GIVE_BACK_PAUSE = Duration.ofMillis(100);

  private final SubscriptionConfig config;
  private final CommsRuntime runtime;
  private final Settler settler;
  private final EngineState state;
  private final DeadLettering deadLettering;
  private final @Nullable DeferredRetries deferredRetries;
  private final boolean givesBackInPlace;
  private final AttemptRunner attemptRunner;
  private final @Nullable BatchAttemptRunner batchAttemptRunner;

  WorkerLoop(DeliveryEngineBuilder builder, EngineState books) {
    this.config = builder.config;
    this.runtime = Objects.requireNonNull(builder.runtime);
    this.settler = Objects.requireNonNull(builder.settler);
    this.state = books;
    this.deadLettering = new DeadLettering(builder, books);
    this.deferredRetries =
        config.isUnordered() && builder.delayStore != null
            ? new DeferredRetries(builder.delayStore, books)
            : null;
    this.givesBackInPlace = builder.givesBackInPlace;
    this.attemptRunner =
        new AttemptRunner(
            config,
            builder.handler,
            Objects.requireNonNull(builder.envelope),
            runtime.time(),
            () -> books.closed || books.draining,
            builder.maxBodyBytes);
    this.batchAttemptRunner =
        config.batch().isPresent() && builder.handler instanceof BatchHandler batchHandler
            ? new BatchAttemptRunner(config, batchHandler, runtime.time())
            : null;
  }

  /** A worker's life: takes what is ready until there is nothing for it to do. */
  void run() {
    if (batchAttemptRunner == null) {
      new Worker().work();
    } else {
      workBatches(batchAttemptRunner);
    }
  }

  /**
   * One worker, which handles one record at a time. Whatever fails, also in code that must not: its
   * record goes back to its place and its place among the workers is free again.
   */
  private final class Worker {
    private @Nullable LaneEntry entry;
    private @Nullable AttemptOutcome verdict;
    private int turn;
    private boolean first = true;

    /** Whether this worker still counts as running. */
    private boolean counted = true;

    void work() {
      try {
        while (step()) {
          state.flush();
        }
        state.flush();
      } catch (Throwable e) {
        broken(e);
      }
    }

    /** One record; false when there is nothing more to do. */
    private boolean step() {
      boolean gateOpen = isGateOpen();
      LaneEntry done = entry;
      LaneEntry next = next(done, verdict, turn, gateOpen, first, this);
      first = false;
      turn =
          done != null && next != null && next.lane != null && done.lane == next.lane
              ? turn + 1
              : 0;
      entry = next;
      verdict = null;
      state.flush();
      if (next == null) {
        return false;
      }
      // An interrupt that others left set must not reach this handler; that of a close ends it.
      AttemptOutcome outcome =
          Thread.interrupted() && state.closed ? AttemptOutcome.giveBack() : attempt(next);
      if (outcome.kind() == AttemptOutcome.Kind.FINISHED) {
        // Settled before it leaves the books, so that whoever waits for a scope to be idle finds it
        // settled.
        state.acknowledge(next);
        verdict = outcome;
        return true;
      }
      boolean goesOn = apply(next, outcome);
      entry = null;
      counted &= goesOn;
      return goesOn;
    }

    private void broken(Throwable failure) {
      LaneEntry left = entry;
      AttemptOutcome settled = verdict;
      state.broken(left == null ? List.of() : List.of(left), settled, counted, first, failure);
    }
  }

  private AttemptOutcome attempt(LaneEntry entry) {
    LaneEntry.History failures = entry.history;
    if (failures == null) {
      return attemptRunner.run(entry);
    }
    if (failures.deadLetter != null) {
      return AttemptOutcome.deadLetter(failures.deadLetterCount, "");
    }
    AttemptOutcome decided = failures.pendingOutcome;
    failures.pendingOutcome = null;
    if (decided == null) {
      failures.outageCountsAsAttempt = false;
      return attemptRunner.run(entry);
    }
    return decided;
  }

  /** As many as a batch holds, and alone what must be alone. */
  private void workBatches(BatchAttemptRunner batches) {
    boolean first = true;
    boolean counted = true;
    List<LaneEntry> batch = List.of();
    try {
      while (true) {
        boolean gateOpen = isGateOpen();
        batch = nextBatch(gateOpen, first);
        first = false;
        counted = !batch.isEmpty();
        state.flush();
        if (batch.isEmpty()) {
          return;
        }
        LaneEntry entry = batch.get(0);
        if (!entry.mustRunAlone) {
          runBatch(batches, batch);
          continue;
        }
        AttemptOutcome verdict =
            Thread.interrupted() && state.closed ? AttemptOutcome.giveBack() : attempt(entry);
        if (verdict.kind() == AttemptOutcome.Kind.FINISHED) {
          state.acknowledge(entry);
          state.change(() -> state.book(entry, verdict.count(), true));
        } else if (!apply(entry, verdict)) {
          counted = false;
          state.flush();
          return;
        }
      }
    } catch (Throwable e) {
      state.broken(batch, null, counted, first, e);
    }
  }

  private List<LaneEntry> nextBatch(boolean gateOpen, boolean first) {
    state.lock.lock();
    try {
      if (first) {
        state.starting--;
      }
      if (!gateOpen && state.route.pauseForGate()) {
        state.events.route(true, "gate closed");
      }
      List<LaneEntry> batch = List.of();
      int allowed = state.route.allowed(config.workers());
      if (gateOpen
          && !state.closed
          && !state.draining
          && state.running <= allowed
          && state.hasWork()) {
        BatchBounds bounds = config.batch().orElseThrow();
        state.watchdog.scheduleCheck();
        batch =
            state.lanes.takeBatch(
                state.route.isPaused() ? 1 : bounds.maxItems(), bounds.maxBytes());
        batch.forEach(state::taken);
      }
      if (batch.isEmpty()) {
        state.running--;
      }
      state.dispatch();
      return batch;
    } finally {
      state.lock.unlock();
    }
  }

  private void runBatch(BatchAttemptRunner batches, List<LaneEntry> taken) {
    BatchRun run = new BatchRun(taken, attemptRunner);
    run.run(batches);
    run.finished().forEach((entry, count) -> state.acknowledge(entry));
    AttemptOutcome outage = run.outage();
    boolean alone = taken.size() == 1;
    List<LaneEntry> youngestFirst = run.returning();
    List<LaneEntry> leaving = new ArrayList<>();
    state.change(
        () -> {
          run.finished().forEach((entry, count) -> state.book(entry, count, true));
          for (LaneEntry entry : youngestFirst) {
            if (outage != null && alone) {
              state.outageOf(entry, outage);
            } else if (state.isLeaving(entry)) {
              leaving.add(entry);
            } else {
              state.lanes.returnToLane(entry);
            }
          }
          // Oldest first, which is the order in which a broker gives them out again.
          Collections.reverse(leaving);
          leaving.forEach(state::leave);
          if (outage != null && !alone) {
            state.ownOutages.recordSharedOutage();
            state.pauseRoute(outage);
          }
          state.noteActive();
        });
  }

  private boolean isGateOpen() {
    if (config.gate() == Gate.open()) {
      return true;
    }
    state.gateAsked();
    try {
      return config.gate().isOpen();
    } catch (Throwable e) {
      state.events.componentFailed("the gate; it counts as closed", e);
      return false;
    } finally {
      state.gateAnswered();
    }
  }

  /**
   * Books what a worker has finished and gives it something else to do; null when its life is over.
   */
  private @Nullable LaneEntry next(
      @Nullable LaneEntry done,
      @Nullable AttemptOutcome verdict,
      int turn,
      boolean gateOpen,
      boolean first,
      Worker worker) {
    state.lock.lock();
    try {
      if (first) {
        state.starting--;
      }
      if (done != null && verdict != null) {
        state.book(done, verdict.count(), turn < RECORDS_PER_TURN);
        worker.entry = null;
      }
      if (!gateOpen && state.route.pauseForGate()) {
        state.events.route(true, "gate closed");
      }
      if (gateOpen
          && !state.closed
          && !state.draining
          && state.running <= state.route.allowed(config.workers())) {
        state.watchdog.scheduleCheck();
        LaneEntry entry = state.mayBegin() ? state.lanes.takeReady() : null;
        if (entry != null) {
          state.taken(entry);
          // Known to the worker before anything else can fail.
          worker.entry = entry;
          worker.verdict = null;
          state.dispatch();
          return entry;
        }
      }
      state.running--;
      worker.counted = false;
      state.dispatch();
      return null;
    } finally {
      state.lock.unlock();
    }
  }

  /** Applies what an attempt came to; true if the worker may go on. */
  private boolean apply(LaneEntry entry, AttemptOutcome verdict) {
    switch (verdict.kind()) {
      case RETRY:
        return retry(entry, verdict.after());
      case DEAD_LETTER:
        return deadLettering.deadLetter(entry, verdict);
      case OUTAGE:
      case JVM_FAILURE:
        state.outage(entry, verdict);
        return true;
      case GIVE_BACK:
        giveBack(entry);
        return true;
      default:
        throw new IllegalStateException("verdict: " + verdict.kind());
    }
  }

  private boolean retry(LaneEntry entry, @Nullable Duration after) {
    LaneEntry.History failures = entry.history();
    if (!failures.outageCountsAsAttempt) {
      failures.consecutiveOutages = 0;
      failures.wasSuspected = false;
    }
    int failed = ++failures.failedAttempts;
    Optional<Duration> scheduled = config.retry().delayAfter(failed, runtime.random());
    if (scheduled.isEmpty()) {
      return deadLettering.deadLetter(
          entry, AttemptOutcome.deadLetter(Count.DEAD_LETTERED, "ATTEMPTS_EXHAUSTED"));
    }
    Duration delay = after == null ? scheduled.get() : after;
    state.events.retry(entry, delay);
    if (deferredRetries != null && deferredRetries.defer(entry, delay)) {
      return false;
    }
    state.change(() -> state.holdForRetry(entry, delay));
    return true;
  }

  private void giveBack(LaneEntry entry) {
    List<LaneEntry> given = new ArrayList<>();
    state.change(
        () -> {
          state.gotThrough(entry, Count.GIVEN_BACK);
          if (givesBackInPlace && !state.draining && !state.closed) {
            state.hold(entry, GIVE_BACK_PAUSE);
            return;
          }
          boolean wanted = !state.closed && !entry.revoked;
          // What stands behind it in its lane goes back too, else it would overtake.
          LaneEntry next = entry;
          while (next != null) {
            LaneEntry back = next;
            next = back.nextInLane;
            state.forget(back, Count.GIVEN_BACK, false);
            if (wanted) {
              given.add(back);
            }
          }
        });
    given.forEach(back -> settler.giveBack(back.raw));
  }
}
