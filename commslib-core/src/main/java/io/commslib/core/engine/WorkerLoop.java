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
  private static final int TURN = 16;

  private static final Duration GIVE_BACK_PAUSE = Duration.ofMillis(100);

  private final SubscriptionConfig config;
  private final CommsRuntime runtime;
  private final Settler settler;
  private final EngineState books;
  private final DeadLettering deadLettering;
  private final @Nullable DeferredRetries settingAside;
  private final boolean givesBackInPlace;
  private final AttemptRunner attempts;
  private final @Nullable BatchAttemptRunner batchAttempts;

  WorkerLoop(DeliveryEngineBuilder builder, EngineState books) {
    this.config = builder.config;
    this.runtime = Objects.requireNonNull(builder.runtime);
    this.settler = Objects.requireNonNull(builder.settler);
    this.books = books;
    this.deadLettering = new DeadLettering(builder, books);
    this.settingAside =
        config.isUnordered() && builder.delayStore != null
            ? new DeferredRetries(builder.delayStore, books)
            : null;
    this.givesBackInPlace = builder.givesBackInPlace;
    this.attempts =
        new AttemptRunner(
            config,
            builder.handler,
            Objects.requireNonNull(builder.envelope),
            runtime.time(),
            () -> books.closed || books.draining,
            builder.maxBodyBytes);
    this.batchAttempts =
        config.batch().isPresent() && builder.handler instanceof BatchHandler batchHandler
            ? new BatchAttemptRunner(config, batchHandler, runtime.time())
            : null;
  }

  /** A worker's life: takes what is ready until there is nothing for it to do. */
  void run() {
    if (batchAttempts == null) {
      new Worker().work();
    } else {
      workBatches(batchAttempts);
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
          books.flush();
        }
        books.flush();
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
      books.flush();
      if (next == null) {
        return false;
      }
      // An interrupt that others left set must not reach this handler; that of a close ends it.
      AttemptOutcome outcome =
          Thread.interrupted() && books.closed ? AttemptOutcome.giveBack() : attempt(next);
      if (outcome.kind() == AttemptOutcome.Kind.FINISHED) {
        // Settled before it leaves the books, so that whoever waits for a scope to be idle finds it
        // settled.
        books.acknowledge(next);
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
      books.broken(left == null ? List.of() : List.of(left), settled, counted, first, failure);
    }
  }

  private AttemptOutcome attempt(LaneEntry entry) {
    LaneEntry.History failures = entry.failures;
    if (failures == null) {
      return attempts.run(entry);
    }
    if (failures.deadLetter != null) {
      return AttemptOutcome.deadLetter(failures.deadLetterCount, "");
    }
    AttemptOutcome decided = failures.decided;
    failures.decided = null;
    if (decided == null) {
      failures.outageCounts = false;
      return attempts.run(entry);
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
        books.flush();
        if (batch.isEmpty()) {
          return;
        }
        LaneEntry entry = batch.get(0);
        if (!entry.single) {
          runBatch(batches, batch);
          continue;
        }
        AttemptOutcome verdict =
            Thread.interrupted() && books.closed ? AttemptOutcome.giveBack() : attempt(entry);
        if (verdict.kind() == AttemptOutcome.Kind.FINISHED) {
          books.acknowledge(entry);
          books.change(() -> books.book(entry, verdict.count(), true));
        } else if (!apply(entry, verdict)) {
          counted = false;
          books.flush();
          return;
        }
      }
    } catch (Throwable e) {
      books.broken(batch, null, counted, first, e);
    }
  }

  private List<LaneEntry> nextBatch(boolean gateOpen, boolean first) {
    books.lock.lock();
    try {
      if (first) {
        books.starting--;
      }
      if (!gateOpen && books.route.gateClosed()) {
        books.events.route(true, "gate closed");
      }
      List<LaneEntry> batch = List.of();
      int allowed = books.route.allowed(config.workers());
      if (gateOpen
          && !books.closed
          && !books.draining
          && books.running <= allowed
          && books.hasWork()) {
        BatchBounds bounds = config.batch().orElseThrow();
        books.watchdog.started();
        batch =
            books.lanes.takeBatch(
                books.route.isPaused() ? 1 : bounds.maxItems(), bounds.maxBytes());
        batch.forEach(books::taken);
      }
      if (batch.isEmpty()) {
        books.running--;
      }
      books.dispatch();
      return batch;
    } finally {
      books.lock.unlock();
    }
  }

  private void runBatch(BatchAttemptRunner batches, List<LaneEntry> taken) {
    BatchRun run = new BatchRun(taken, attempts);
    run.run(batches);
    run.finished().forEach((entry, count) -> books.acknowledge(entry));
    AttemptOutcome outage = run.outage();
    boolean alone = taken.size() == 1;
    List<LaneEntry> youngestFirst = run.untaken();
    List<LaneEntry> leaving = new ArrayList<>();
    books.change(
        () -> {
          run.finished().forEach((entry, count) -> books.book(entry, count, true));
          for (LaneEntry entry : youngestFirst) {
            if (outage != null && alone) {
              books.outageOf(entry, outage);
            } else if (books.isLeaving(entry)) {
              leaving.add(entry);
            } else {
              books.lanes.untake(entry);
            }
          }
          // Oldest first, which is the order in which a broker gives them out again.
          Collections.reverse(leaving);
          leaving.forEach(books::leave);
          if (outage != null && !alone) {
            books.ownOutages.failedTogether();
            books.pauseRoute(outage);
          }
          books.noteActive();
        });
  }

  private boolean isGateOpen() {
    if (config.gate() == Gate.open()) {
      return true;
    }
    books.gateAsked();
    try {
      return config.gate().isOpen();
    } catch (Throwable e) {
      books.events.failed("the gate; it counts as closed", e);
      return false;
    } finally {
      books.gateAnswered();
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
    books.lock.lock();
    try {
      if (first) {
        books.starting--;
      }
      if (done != null && verdict != null) {
        books.book(done, verdict.count(), turn < TURN);
        worker.entry = null;
      }
      if (!gateOpen && books.route.gateClosed()) {
        books.events.route(true, "gate closed");
      }
      if (gateOpen
          && !books.closed
          && !books.draining
          && books.running <= books.route.allowed(config.workers())) {
        books.watchdog.started();
        LaneEntry entry = books.mayBegin() ? books.lanes.takeReady() : null;
        if (entry != null) {
          books.taken(entry);
          // Known to the worker before anything else can fail.
          worker.entry = entry;
          worker.verdict = null;
          books.dispatch();
          return entry;
        }
      }
      books.running--;
      worker.counted = false;
      books.dispatch();
      return null;
    } finally {
      books.lock.unlock();
    }
  }

  /** Applies what an attempt came to; true if the worker may go on. */
  private boolean apply(LaneEntry entry, AttemptOutcome verdict) {
    switch (verdict.kind()) {
      case RETRY:
        return retry(entry, verdict.after());
      case DEAD_LETTER:
        return deadLettering.park(entry, verdict);
      case OUTAGE:
      case MACHINE_FAILED:
        books.outage(entry, verdict);
        return true;
      case GIVE_BACK:
        giveBack(entry);
        return true;
      default:
        throw new IllegalStateException("verdict: " + verdict.kind());
    }
  }

  private boolean retry(LaneEntry entry, @Nullable Duration after) {
    LaneEntry.History failures = entry.failures();
    if (!failures.outageCounts) {
      failures.outages = 0;
      failures.suspected = false;
    }
    int failed = ++failures.attempts;
    Optional<Duration> scheduled = config.retry().delayAfter(failed, runtime.random());
    if (scheduled.isEmpty()) {
      return deadLettering.park(
          entry, AttemptOutcome.deadLetter(Count.DEAD_LETTERED, "ATTEMPTS_EXHAUSTED"));
    }
    Duration delay = after == null ? scheduled.get() : after;
    books.events.retry(entry, delay);
    if (settingAside != null && settingAside.keep(entry, delay)) {
      return false;
    }
    books.change(() -> books.holdForRetry(entry, delay));
    return true;
  }

  private void giveBack(LaneEntry entry) {
    List<LaneEntry> given = new ArrayList<>();
    books.change(
        () -> {
          books.gotThrough(entry, Count.GIVEN_BACK);
          if (givesBackInPlace && !books.draining && !books.closed) {
            books.hold(entry, GIVE_BACK_PAUSE);
            return;
          }
          boolean wanted = !books.closed && !entry.revoked;
          // What stands behind it in its lane goes back too, else it would overtake.
          LaneEntry next = entry;
          while (next != null) {
            LaneEntry back = next;
            next = back.behind;
            books.forget(back, Count.GIVEN_BACK, false);
            if (wanted) {
              given.add(back);
            }
          }
        });
    given.forEach(back -> settler.giveBack(back.raw));
  }
}
