package io.commslib.core.engine;

import com.google.errorprone.annotations.concurrent.GuardedBy;
import io.commslib.core.Failures;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Timeouts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Consumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The monitor of a delivery engine: its unsettled records, its workers and the pauses of its route,
 * behind one lock. Thread-safe.
 *
 * <p><b>Lanes.</b> The records of one key form a {@link Lane}, in the order in which the adapter
 * accepted them. The head of a lane is ready, active (a worker has it) or waiting (for a retry).
 * All others are queued behind it. A record without key has no lane. {@link Lanes} links the
 * records by age, by key and by readiness, so that nearly every operation takes constant time. Key
 * order needs nothing more: no record can start before the one ahead of it has left its lane.
 *
 * <p><b>Workers.</b> No worker thread waits for work. A change that makes a record ready requests
 * one worker, up to the number allowed. A worker that takes a record requests the next one, so a
 * burst does not start more threads than it needs ({@link WorkerDispatch}). A worker ({@link
 * WorkerLoop}) repeats {@link #next}, which settles its last record and assigns another one, and
 * ends when there is none. While a dead letter or a deferred retry is published, its record stays
 * active and the worker's place stays taken, but the thread is free. The callback of the publish
 * releases the place.
 *
 * <p><b>The lock.</b> The fields that it guards carry {@code @GuardedBy}, which Error Prone checks
 * in the build. The objects in them have no lock of their own and are confined to this one. Every
 * transition has one form: change something under the lock, {@link #reassess()}, release the lock,
 * {@link #flush()}. User code, the adapter and the observer are never called under the lock, except
 * for the accessors of {@link RawDelivery}. Calls to them are queued in {@link EngineEvents} and
 * {@link WorkerStarter} and made by {@link #flush()}. What can fail for lack of memory or threads
 * comes first in a transition, so that a failure leaves no record without a timer or a worker. A
 * record costs one acquisition of the lock when it is accepted, less in bulk, and one when it is
 * settled, which also assigns the next record.
 *
 * <p><b>Retries.</b> A failed attempt counts against the retry schedule. The record waits at the
 * head of its lane, or at the broker if the subscription is unordered and the adapter has a {@link
 * DelayStore} ({@link DeferredRetries}). After the last attempt it is dead-lettered ({@link
 * DeadLettering}).
 *
 * <p><b>Outages.</b> If the handler, a store or the dead-letter target reports that a dependency is
 * unavailable, no attempt is counted. The record goes back to the head of the ready ones and the
 * route pauses. After the pause one handler probes, and the first outcome opens the route ({@link
 * ConsumptionGate}). A record that has several outages in a row while others succeed is the cause
 * itself, so its outages then count as failed attempts ({@link MessageOutages}). After an error of
 * the JVM the adapter also returns what it has taken from the broker, as if the process had
 * crashed.
 *
 * <p><b>Breaker.</b> If one cause is about to dead-letter messages of many keys, the {@link
 * DeadLetterBreaker} pauses the route as an outage does. Single messages then probe, and each is
 * dead-lettered only after several probes. {@link RoutePauses} combines breaker, outages and gate.
 *
 * <p><b>Messages that stop the route.</b> If there are no dead letters, a record that would become
 * one waits at the head of its lane for another attempt ({@link WithoutDeadLetters}). One without a
 * lane also pauses the route for each of its waits. So does an unreadable record, if the
 * subscription has read nothing yet ({@link UnreadableWatch}).
 *
 * <p><b>Stopping.</b> {@link #drain} starts no more handlers and gives back every record that is
 * not active. The active ones are still settled. {@link #close} revokes the active records too:
 * their settlement is dropped. {@link #stopScope} and {@link #revoke} do the same for one scope,
 * for example one partition.
 */
final class EngineState {

  /** The objects that are confined to the lock; {@link #change} passes them to a transition. */
  private record Guarded(
      IntakeBounds intake,
      UnsettledRecords records,
      RoutePauses route,
      WorkerDispatch workers,
      Watchdog watchdog) {}

  private static final Duration LEDGER_INTERVAL = Duration.ofSeconds(10);
  private static final Duration GIVE_BACK_PAUSE = Duration.ofMillis(100);

  private final CommsRuntime runtime;
  private final Settler settler;
  private final EngineEvents events;
  private final WorkerStarter starter;
  private final StopFlags stop = new StopFlags();

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();

  @GuardedBy("lock")
  private final Guarded guarded;

  /** Threads that wait for {@link #changed}. */
  @GuardedBy("lock")
  private int waiters;

  @GuardedBy("lock")
  private boolean ledgerTimerSet;

  /** Written under the lock, read without it. */
  private volatile boolean intakeOpen = true;

  /** Whether no record could be read yet. Written under the lock, read without it. */
  private volatile boolean watchesUnreadable;

  EngineState(DeliveryEngineBuilder builder, EngineEvents events) {
    SubscriptionConfig config = builder.config;
    this.runtime = Objects.requireNonNull(builder.runtime);
    this.settler = Objects.requireNonNull(builder.settler);
    this.events = events;
    this.watchesUnreadable = builder.maxUnreadable() > 0;
    this.starter =
        new WorkerStarter(
            config, runtime, events, builder.name(), this::workerNotStarted, this::redispatch);
    IntakeBounds intake = new IntakeBounds(config.maxInFlight(), config.maxInFlightBytes());
    Lanes lanes = new Lanes(intake, !config.isUnordered());
    RoutePauses route = new RoutePauses(builder, runtime, lanes, events, this::endPause);
    UnsettledRecords records =
        new UnsettledRecords(builder, events, intake, lanes, route, stop, this::endWaiting);
    Watchdog watchdog =
        new Watchdog(
            runtime,
            config.handlerDeadline(),
            this::activeRecords,
            events::overrun,
            events::stuck,
            this::redispatch);
    WorkerDispatch workers =
        new WorkerDispatch(
            config, runtime, intake, lanes, route, stop, watchdog, starter, this::batchTimerEnded);
    this.guarded = new Guarded(intake, records, route, workers, watchdog);
  }

  /** Sets the loop that each worker runs; called before the first record. */
  void runWorkersWith(Runnable loop) {
    starter.runWorkersWith(loop);
  }

  /** Takes a record; gives it back immediately if the engine drains. */
  void accept(RawDelivery delivery) {
    boolean taken;
    lock.lock();
    try {
      taken = admit(delivery);
      reassess();
    } finally {
      lock.unlock();
    }
    if (!taken) {
      settler.giveBack(delivery);
    }
    flush();
  }

  /** Takes records until the intake closes. Returns the number taken, from the first on. */
  int acceptWhileOpen(List<? extends RawDelivery> deliveries) {
    int taken = 0;
    lock.lock();
    try {
      while (taken < deliveries.size() && guarded.intake().isOpen() && !stop.isStopping()) {
        admit(deliveries.get(taken++));
        updateIntake();
      }
      reassess();
    } finally {
      lock.unlock();
    }
    flush();
    return taken;
  }

  /** Returns false if the caller must give the record back. */
  @GuardedBy("lock")
  private boolean admit(RawDelivery delivery) {
    boolean forgotten = guarded.records().isForgotten(delivery.scope());
    if (forgotten || stop.isStopping()) {
      guarded.records().countRefused();
      return forgotten;
    }
    setLedgerTimer();
    guarded.records().add(delivery);
    return true;
  }

  @GuardedBy("lock")
  private void updateIntake() {
    if (guarded.intake().update()) {
      events.intakeChanged(!guarded.intake().isOpen());
    }
    boolean open = guarded.intake().isOpen() && !stop.isStopping();
    if (open != intakeOpen) {
      intakeOpen = open;
    }
  }

  boolean isIntakeOpen() {
    return intakeOpen;
  }

  void stopScope(Object scope) {
    change(in -> in.records().stopScope(scope));
  }

  void revoke(Object scope) {
    stopScope(scope);
    change(in -> in.records().revokeScope(scope));
  }

  void pauseByUser() {
    change(in -> in.route().pauseByUser());
  }

  void resumeByUser() {
    change(
        in -> {
          in.route().resumeByUser();
          in.records().tryWithoutDeadLetters();
        });
  }

  /** A record could be read. Takes the lock for the first one only. */
  void recordRead() {
    if (watchesUnreadable) {
      change(
          in -> {
            watchesUnreadable = false;
            in.route().endUnreadableWatch();
          });
    }
  }

  /** Starts no more handlers and gives back every record that is not active. */
  void drain() {
    List<LaneEntry> returned = new ArrayList<>();
    change(
        in -> {
          stop.drain();
          if (!stop.isClosed()) {
            returned.addAll(in.records().removeIdle(entry -> true));
          }
        });
    returned.forEach(entry -> settler.giveBack(entry.raw));
  }

  void close() {
    change(
        in -> {
          if (!stop.isClosed()) {
            stop.close();
            in.records().revokeAll();
            in.route().close();
          }
        });
    starter.close();
  }

  boolean isClosed() {
    return stop.isClosed();
  }

  boolean isStopping() {
    return stop.isStopping();
  }

  /** Waits until no matching record is active; false after the timeout or an interrupt. */
  boolean awaitNoneActive(Predicate<LaneEntry> matching, Duration timeout) {
    long left = Timeouts.nanos(timeout);
    lock.lock();
    try {
      waiters++;
      try {
        while (guarded.records().hasActive(matching)) {
          if (left <= 0) {
            return false;
          }
          left = changed.awaitNanos(left);
        }
        return true;
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      } finally {
        waiters--;
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Settles what the worker has finished and assigns another record to it; null tells the worker to
   * end.
   *
   * @param sameLaneFirst whether the next record of the finished one's key precedes other keys
   */
  @Nullable LaneEntry next(WorkerAccount worker, boolean sameLaneFirst, boolean gateOpen) {
    lock.lock();
    try {
      guarded.workers().countStarted(worker);
      LaneEntry done = worker.entry;
      AttemptOutcome outcome = worker.outcome;
      if (done != null && outcome != null) {
        guarded.records().settle(done, outcome.count(), sameLaneFirst);
        worker.entry = null;
      }
      LaneEntry entry = guarded.workers().take(gateOpen);
      if (entry == null) {
        guarded.workers().releasePlace(worker);
      } else {
        // Known to the worker before anything else can fail.
        worker.entry = entry;
        worker.outcome = null;
      }
      reassess();
      return entry;
    } finally {
      lock.unlock();
    }
  }

  /** Assigns a batch to the worker; an empty one tells the worker to end. */
  List<LaneEntry> nextBatch(WorkerAccount worker, boolean gateOpen) {
    lock.lock();
    try {
      guarded.workers().countStarted(worker);
      worker.batch = guarded.workers().takeBatch(gateOpen);
      if (worker.batch.isEmpty()) {
        guarded.workers().releasePlace(worker);
      }
      reassess();
      return worker.batch;
    } finally {
      lock.unlock();
    }
  }

  /**
   * A worker ends because of an unexpected failure: an error of the JVM, or of this code. Its
   * records go back to their lanes, its place is released, and the route pauses.
   */
  void workerFailed(WorkerAccount worker, Throwable failure) {
    boolean jvm = Failures.isJvmFailure(failure);
    change(
        in -> {
          in.workers().releasePlace(worker);
          in.workers().countStarted(worker);
          in.records().returnFromFailedWorker(worker);
          in.route()
              .pause(
                  jvm
                      ? AttemptOutcome.jvmFailure(Failures.text(failure))
                      : AttemptOutcome.outage("a worker failed: " + Failures.text(failure)),
                  stop.isStopping());
        });
    events.componentFailed("a worker ended and is replaced", failure);
  }

  private void workerNotStarted() {
    lock.lock();
    try {
      guarded.workers().countNotStarted();
    } finally {
      lock.unlock();
    }
  }

  private void batchTimerEnded() {
    change(in -> in.workers().batchTimerEnded());
  }

  private void redispatch() {
    change(in -> {});
  }

  /** Makes a change under the lock, and afterwards the calls that it has caused. */
  private void change(Consumer<Guarded> change) {
    lock.lock();
    try {
      change.accept(guarded);
      reassess();
    } finally {
      lock.unlock();
    }
    flush();
  }

  /** Ends every change: updates the intake, requests a worker and wakes the waiting threads. */
  @GuardedBy("lock")
  private void reassess() {
    updateIntake();
    guarded.workers().requestWorker();
    if (waiters > 0) {
      changed.signalAll();
    }
  }

  /** Starts the workers and makes the calls that were decided on under the lock. Not under it. */
  void flush() {
    starter.startRequested();
    events.deliver();
  }

  /**
   * Acknowledges a record at the broker, unless its scope is lost. Called before the record leaves
   * the engine, so that an idle scope has no unacknowledged records.
   */
  void acknowledge(LaneEntry entry) {
    if (entry.revoked) {
      return;
    }
    entry.enter(LaneEntry.Phase.SETTLING);
    try {
      settler.acknowledge(entry.raw);
    } catch (Throwable e) {
      events.componentFailed("the settlement of " + entry.shownId(), e);
    }
  }

  /** Removes a record that is finished and acknowledged. */
  void finished(LaneEntry entry, Count count) {
    change(in -> in.records().settle(entry, count, true));
  }

  /** Applies the outcome of a batch whose finished records are acknowledged. */
  void batchFinished(BatchRun run) {
    AttemptOutcome outage = run.outage();
    List<LaneEntry> returning = run.returning();
    change(
        in -> {
          for (Map.Entry<LaneEntry, Count> done : run.finished().entrySet()) {
            in.records().settle(done.getKey(), done.getValue(), true);
          }
          if (outage != null && run.size() == 1) {
            returning.forEach(entry -> in.records().returnAfterOutage(entry, outage));
          } else {
            in.records().returnToLanes(returning);
            if (outage != null) {
              in.route().pauseAfterSharedOutage(outage, stop.isStopping());
            }
          }
        });
  }

  /** A failed attempt: the record waits for its next one, and its lane with it. */
  void retryAfter(LaneEntry entry, Duration delay) {
    change(in -> in.records().waitForRetry(entry, delay));
  }

  /** The record was not handled because a dependency or this process fails. */
  void returnAfterOutage(LaneEntry entry, AttemptOutcome why) {
    change(in -> in.records().returnAfterOutage(entry, why));
  }

  /**
   * Gives the record back to the broker and with it those behind it, which would overtake it. With
   * {@code inPlace} it waits here for a moment instead, unless the engine stops.
   */
  void giveBack(LaneEntry entry, boolean inPlace) {
    List<LaneEntry> given = new ArrayList<>();
    change(
        in -> {
          in.route().openAfter(entry, Count.GIVEN_BACK);
          if (inPlace && !stop.isStopping()) {
            in.records().startWaiting(entry, GIVE_BACK_PAUSE);
          } else {
            given.addAll(in.records().removeWithFollowers(entry));
          }
        });
    given.forEach(back -> settler.giveBack(back.raw));
  }

  /**
   * Counts a record about to be dead-lettered. If it belongs to a dead-letter storm, pauses the
   * route, puts the record back uncounted and returns true.
   */
  boolean keepForStorm(LaneEntry entry, String cause) {
    lock.lock();
    try {
      boolean kept = guarded.records().keepForStorm(entry, cause);
      reassess();
      return kept;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Counts an unreadable record. If the subscription has read nothing yet and too many records were
   * unreadable, puts this one back, pauses the route and returns true.
   */
  boolean keepUnreadable(LaneEntry entry) {
    if (!watchesUnreadable || entry.history().passedUnreadableWatch) {
      return false;
    }
    lock.lock();
    try {
      boolean kept = guarded.records().keepUnreadable(entry);
      reassess();
      return kept;
    } finally {
      lock.unlock();
    }
  }

  /** There are no dead letters, so the record waits here, and its key or the route with it. */
  void waitWithoutDeadLetters(LaneEntry entry, String reason) {
    change(in -> in.records().waitWithoutDeadLetters(entry, reason));
  }

  /** A publish has made the record safe, and the record is acknowledged. */
  void published(LaneEntry entry, Count count) {
    afterPublish(entry, records -> records.settle(entry, count, false));
  }

  /** The broker did not keep the record until its next attempt, so it waits here. */
  void deferFailed(LaneEntry entry, Duration delay) {
    afterPublish(entry, records -> records.waitForRetry(entry, delay));
  }

  /** The dead letter could not be published. */
  void deadLetterFailed(LaneEntry entry, Throwable failure) {
    afterPublish(entry, records -> records.returnUnpublished(entry, failure));
  }

  private void afterPublish(LaneEntry entry, Consumer<UnsettledRecords> transition) {
    change(
        in -> {
          // First: whatever fails from here on, the worker's place is free again.
          in.workers().releasePlace();
          if (in.records().isActive(entry)) {
            transition.accept(in.records());
          }
        });
  }

  private void endWaiting(LaneEntry entry, int activation) {
    change(in -> in.records().endWaiting(entry, activation));
  }

  private void endPause(ConsumptionGate.TimedPause pause) {
    change(in -> in.route().endPause(pause));
  }

  /** Reports the ledger to the observer, and again later while there are unsettled records. */
  private void reportLedger() {
    events.ledger(snapshot());
    lock.lock();
    try {
      ledgerTimerSet = false;
      if (!guarded.records().isEmpty()) {
        setLedgerTimer();
      }
      reassess();
    } finally {
      lock.unlock();
    }
    flush();
  }

  @GuardedBy("lock")
  private void setLedgerTimer() {
    if (!ledgerTimerSet && events.observesDeliveries()) {
      runtime.scheduler().schedule(LEDGER_INTERVAL, this::reportLedger);
      ledgerTimerSet = true;
    }
  }

  /** Whether the record would leave instead of waiting. */
  boolean isLeaving(LaneEntry entry) {
    lock.lock();
    try {
      return guarded.records().isLeaving(entry);
    } finally {
      lock.unlock();
    }
  }

  SubscriptionSnapshot snapshot() {
    lock.lock();
    try {
      return guarded.records().snapshot(guarded.watchdog().stuckHandlers());
    } finally {
      lock.unlock();
    }
  }

  /** The state that health reports beside the snapshot. */
  HealthState healthState() {
    lock.lock();
    try {
      return new HealthState(
          guarded.workers().running(),
          guarded.records().keptDeadLetters(),
          guarded.records().withoutDeadLetters(),
          guarded.route().reason(),
          guarded.route().isJvmFailure(),
          guarded.watchdog().firstStuck());
    } finally {
      lock.unlock();
    }
  }

  /** Immutable value. */
  record HealthState(
      int workers,
      int keptDeadLetters,
      String withoutDeadLetters,
      String pauseReason,
      boolean isJvmFailure,
      String firstStuck) {}

  private List<Watchdog.ActiveRecord> activeRecords() {
    lock.lock();
    try {
      return guarded.records().activeRecords();
    } finally {
      lock.unlock();
    }
  }
}
