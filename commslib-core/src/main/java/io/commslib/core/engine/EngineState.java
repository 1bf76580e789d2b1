package io.commslib.core.engine;

import io.commslib.core.Failures;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Timeouts;
import io.commslib.core.time.Workers;
import io.commslib.core.tx.TransactionRunner;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * What an engine knows of its records, and the one lock that guards it: lanes, counts, route, and
 * how many workers run. What must not happen under the lock is collected and done by {@link
 * #flush}.
 */
final class EngineState {

  /** Settled messages between two looks at the clock for the flood breaker. */
  private static final int FLOOD_SAMPLE = 64;

  private static final Duration START_AGAIN = Duration.ofMillis(500);
  private static final Duration LEDGER_INTERVAL = Duration.ofSeconds(10);

  final SubscriptionConfig config;
  final CommsRuntime runtime;
  final Settler settler;
  final @Nullable DeadLetterBreaker flood;
  final EngineEvents events;
  final Workers workers;

  final ReentrantLock lock = new ReentrantLock();
  final Condition idle = lock.newCondition();
  final IntakeBounds intake;
  final Lanes lanes;
  final Set<Object> stoppedScopes = Collections.newSetFromMap(new IdentityHashMap<>());
  final ConsumptionGate route;
  final MessageOutages ownOutages = new MessageOutages();
  final long[] counts = new long[Count.values().length];
  final Watchdog watchdog;
  private final JvmFailureListener onJvmFailure;
  private @Nullable Runnable workerRun;

  /** Workers that were decided on under the lock and must be started outside of it. */
  final AtomicInteger toStart = new AtomicInteger();

  /** Workers that will look for work soon. */
  int starting;

  long settled;

  /** Workers that ask the gate now, and since when one of them has asked or been answered last. */
  private final AtomicInteger gateCalls = new AtomicInteger();

  private volatile long gateSinceNanos;

  /** The record that runs alone, while it runs. */
  private @Nullable LaneEntry alone;

  int running;

  /** Records that wait here since the dead-letter target refuses them in every form. */
  int keptLetters;

  int waiters;
  boolean batchTimer;
  boolean ledgerTimer;
  boolean draining;
  volatile boolean intakeOpen = true;
  volatile boolean closed;

  EngineState(DeliveryEngineBuilder builder) {
    this.config = builder.config;
    this.runtime = Objects.requireNonNull(builder.runtime);
    this.settler = Objects.requireNonNull(builder.settler);
    this.flood = config.deadLetterBreaker().map(DeadLetterBreaker::new).orElse(null);
    String name = builder.transport + "-" + config.destination().name() + "-" + config.group();
    this.events = new EngineEvents(config, builder.observer, builder.onIntakeOpen, name, runtime);
    this.onJvmFailure = builder.onJvmFailure;
    this.intake = new IntakeBounds(config.maxInFlight(), config.maxInFlightBytes());
    this.lanes = new Lanes(intake, !config.isUnordered());
    this.route = new ConsumptionGate(runtime, this::change, this::pauseEnded);
    this.watchdog =
        new Watchdog(
            runtime,
            config.handlerDeadline(),
            this::active,
            events::overrun,
            events::stuck,
            () -> change(() -> {}));
    boolean platform =
        config.transactions().map(TransactionRunner::needsPlatformThreads).orElse(false)
            || config.blockedKeys().map(BlockedKeyStore::needsPlatformThreads).orElse(false);
    this.workers =
        platform
            ? runtime.newPlatformWorkers(name, config.workers())
            : runtime.newWorkers(name, config.workers());
  }

  /** Sets what workers do; before the first record. */
  void runWorkersWith(Runnable newWorkerRun) {
    this.workerRun = newWorkerRun;
  }

  /** Returns true if it must be given back at once. Lock held. */
  boolean take(RawDelivery delivery) {
    boolean forgotten =
        closed || (!stoppedScopes.isEmpty() && stoppedScopes.contains(delivery.scope()));
    if (forgotten || draining) {
      counts[Count.RECEIVED.ordinal()]++;
      counts[Count.GIVEN_BACK.ordinal()]++;
      return !forgotten;
    }
    setLedgerTimer();
    lanes.add(delivery, runtime.time().nanoTime());
    // Last, so that a record that could not be taken in is not counted.
    counts[Count.RECEIVED.ordinal()]++;
    return false;
  }

  boolean await(Duration timeout, BooleanSupplier condition) {
    long left = Timeouts.nanos(timeout);
    lock.lock();
    waiters++;
    try {
      while (!condition.getAsBoolean()) {
        if (left <= 0) {
          return false;
        }
        left = idle.awaitNanos(left);
      }
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      waiters--;
      lock.unlock();
    }
  }

  /**
   * Takes out all matching records nobody works on, in lane order, and counts them as given back.
   * Lock held.
   */
  List<LaneEntry> removeIdle(Predicate<LaneEntry> matching) {
    List<LaneEntry> removed = new ArrayList<>();
    LaneEntry next = lanes.oldest();
    while (next != null) {
      LaneEntry entry = next;
      next = entry.younger;
      if (entry.state != LaneEntry.State.ACTIVE && matching.test(entry)) {
        removed.add(entry);
        forget(entry, Count.GIVEN_BACK, false);
      }
    }
    return removed;
  }

  void forget(LaneEntry entry, Count count, boolean nextFirst) {
    lanes.remove(entry, nextFirst);
    counts[count.ordinal()]++;
    settled++;
    LaneEntry.History failures = entry.history;
    if (failures != null && failures.deadLetterRefusals > 0) {
      keptLetters--;
    }
    if (flood != null && settled % FLOOD_SAMPLE == 0) {
      flood.sampleSettled(settled, runtime.time().nanoTime());
    }
    events.settled(entry, count, runtime.time());
    noteActive();
  }

  void noteActive() {
    if (waiters > 0) {
      idle.signalAll();
    }
  }

  /**
   * Decides on one more worker if there is work for it; that one decides on the next. Lock held.
   */
  void dispatch() {
    if (starting < 2
        && !closed
        && !draining
        && running < route.allowed(config.workers())
        && hasWork()) {
      running++;
      starting++;
      toStart.incrementAndGet();
    }
  }

  /**
   * Whether what is next may begin beside what runs: a record that runs alone waits for the others,
   * and they for it, except for what does not return. Lock held.
   */
  boolean mayBegin() {
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

  /** Lock held. */
  void taken(LaneEntry entry) {
    if (entry.raw.runsAlone()) {
      alone = entry;
    }
  }

  /** Lock held. */
  boolean hasWork() {
    if (!mayBegin()) {
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
    if (!batchTimer) {
      runtime.scheduler().schedule(Duration.ofNanos(left), () -> change(() -> batchTimer = false));
      batchTimer = true;
    }
    return false;
  }

  /** Does what was decided under the lock and must not happen under it. */
  void flush() {
    if (toStart.get() > 0) {
      for (int left = toStart.getAndSet(0); left > 0; left--) {
        startWorker();
      }
    }
    events.deliver();
  }

  void startWorker() {
    try {
      workers.execute(Objects.requireNonNull(workerRun));
    } catch (RejectedExecutionException e) {
      // The runtime is closed: nothing runs any more.
      notStarted();
    } catch (RuntimeException | Error e) {
      // There is no thread to be had now; those that run go on.
      notStarted();
      runtime.scheduler().schedule(START_AGAIN, () -> change(() -> {}));
      events.componentFailed("no worker could be started", e);
    }
  }

  private void notStarted() {
    lock.lock();
    try {
      running--;
      starting--;
    } finally {
      lock.unlock();
    }
  }

  void change(Runnable change) {
    lock.lock();
    try {
      change.run();
      noteIntake();
      dispatch();
    } finally {
      lock.unlock();
    }
    flush();
  }

  /** Lock held. */
  void noteIntake() {
    if (intake.update()) {
      events.intake(!intake.isOpen());
    }
    boolean open = intake.isOpen() && !draining && !closed;
    if (open != intakeOpen) {
      intakeOpen = open;
    }
  }

  /** Lock held. */
  void book(LaneEntry entry, Count count, boolean nextFirst) {
    if (route.isStorm() && count == Count.DEAD_LETTERED) {
      // It was given up for itself; that says nothing about the others.
      route.pauseForStorm(route.reason());
    } else if (gotThrough(entry, count) && flood != null) {
      flood.reset();
    }
    forget(entry, entry.revoked ? Count.GIVEN_BACK : count, nextFirst);
    if (MessageOutages.countsAsAttempt(entry)) {
      pauseEnded();
    }
    noteIntake();
  }

  /**
   * Opens the route, since the attempt on a record has come to an outcome. Returns true if the
   * route was paused until now. Lock held.
   */
  boolean gotThrough(LaneEntry entry, Count count) {
    // What is only booked as failed has not reached anything just now.
    if (MessageOutages.countsAsAttempt(entry) || !route.endProbing()) {
      return false;
    }
    events.route(false, "");
    LaneEntry failed = ownOutages.resolveSuspect(entry, count);
    if (failed != null) {
      // Its outcome is known, so it does not delay other records.
      lanes.moveToFront(failed);
    }
    return true;
  }

  /** Lock held. */
  private void pauseEnded() {
    if (lanes.size() == 0 && route.endProbingUntried()) {
      events.route(false, "");
    }
  }

  /** Lets the record wait, and with it those behind it. Lock held. */
  void hold(LaneEntry entry, Duration delay) {
    if (isLeaving(entry)) {
      leave(entry);
      return;
    }
    // First: a record that waits without a timer would wait without an end.
    int activation = entry.activation;
    runtime.scheduler().schedule(delay, () -> change(() -> wake(entry, activation)));
    lanes.startWaiting(entry);
    noteActive();
  }

  private void wake(LaneEntry entry, int activation) {
    if (entry.activation == activation) {
      lanes.endWaiting(entry);
    }
  }

  /** A failed attempt of its own is no outage. Lock held. */
  void holdForRetry(LaneEntry entry, Duration delay) {
    if (route.isStorm()) {
      route.pauseForStorm(route.reason());
    } else {
      gotThrough(entry, Count.WAITING);
    }
    hold(entry, delay);
  }

  /** Lock not held. */
  boolean isLeavingNow(LaneEntry entry) {
    lock.lock();
    try {
      return isLeaving(entry);
    } finally {
      lock.unlock();
    }
  }

  boolean isLeaving(LaneEntry entry) {
    return draining || closed || entry.revoked || stoppedScopes.contains(entry.raw.scope());
  }

  /** The engine ends or the scope is lost: what would wait leaves instead. Lock held. */
  void leave(LaneEntry entry) {
    boolean wanted = !closed && !entry.revoked && !stoppedScopes.contains(entry.raw.scope());
    forget(entry, Count.GIVEN_BACK, false);
    if (wanted) {
      events.afterUnlock(() -> settler.giveBack(entry.raw));
    }
  }

  /** Lock held. */
  void pauseRoute(AttemptOutcome why) {
    pauseRoute(why, "");
  }

  private void pauseRoute(AttemptOutcome why, String suspect) {
    if (why.kind() != AttemptOutcome.Kind.JVM_FAILURE) {
      if (route.pauseForOutage(why.reason() + suspect)) {
        events.route(true, why.reason());
      }
      return;
    }
    boolean before = route.isJvmFailure() && route.isPaused();
    if (route.pauseForJvmFailure(why.reason()) && !before) {
      events.route(true, why.reason());
    }
    if (!closed && !draining) {
      Duration pause = route.jvmPause();
      events.afterUnlock(() -> onJvmFailure.failed(why.reason(), pause));
    }
  }

  /** It was not handled after all, and no attempt is counted. Lock held. */
  void backToReady(LaneEntry entry, boolean first) {
    if (isLeaving(entry)) {
      leave(entry);
    } else {
      lanes.makeReady(entry, first);
      noteActive();
    }
  }

  void acknowledge(LaneEntry entry) {
    if (entry.revoked) {
      return;
    }
    entry.enter(LaneEntry.Phase.SETTLING);
    try {
      settler.acknowledge(entry.raw);
    } catch (Throwable e) {
      events.componentFailed("the settlement of " + entry.id(), e);
    }
  }

  /** Tells the observer the ledger, and again later while there is something unsettled. */
  void tellLedger() {
    events.ledger(snapshot());
    change(
        () -> {
          ledgerTimer = false;
          if (lanes.size() > 0) {
            setLedgerTimer();
          }
        });
  }

  /** Lock held. */
  void setLedgerTimer() {
    if (!ledgerTimer && events.observesDeliveries()) {
      runtime.scheduler().schedule(LEDGER_INTERVAL, this::tellLedger);
      ledgerTimer = true;
    }
  }

  /**
   * Returns the conservation ledger now.
   *
   * @return a consistent snapshot
   */
  SubscriptionSnapshot snapshot() {
    lock.lock();
    try {
      long[] now = counts.clone();
      now[Count.WAITING.ordinal()] = intake.waitingCount();
      now[Count.IN_FLIGHT.ordinal()] = lanes.size() - intake.waitingCount();
      LaneEntry first = lanes.oldest();
      LaneEntry waiting = first;
      while (waiting != null && waiting.state != LaneEntry.State.WAITING) {
        waiting = waiting.younger;
      }
      return new SubscriptionSnapshot(
          now,
          age(first),
          age(waiting),
          !intake.isOpen(),
          route.isPaused(),
          watchdog.stuckHandlers(),
          lanes.laneCount());
    } finally {
      lock.unlock();
    }
  }

  int keptLetters() {
    lock.lock();
    try {
      return keptLetters;
    } finally {
      lock.unlock();
    }
  }

  int running() {
    lock.lock();
    try {
      return running;
    } finally {
      lock.unlock();
    }
  }

  Duration age(@Nullable LaneEntry entry) {
    return entry == null
        ? Duration.ZERO
        : Duration.ofNanos(runtime.time().nanoTime() - entry.receivedNanos);
  }

  List<LaneEntry> active() {
    lock.lock();
    try {
      return List.copyOf(lanes.active());
    } finally {
      lock.unlock();
    }
  }

  /**
   * A worker ends because something failed that must not: an error of the JVM, or of this code.
   * What it had goes back, as a failed attempt that counts unless its outcome is known, and its
   * place among the workers is free.
   */
  void broken(
      List<LaneEntry> left,
      @Nullable AttemptOutcome settled,
      boolean counted,
      boolean starts,
      Throwable failure) {
    boolean jvm = Failures.isJvmFailure(failure);
    change(
        () -> {
          running -= counted ? 1 : 0;
          starting -= starts ? 1 : 0;
          for (int i = left.size() - 1; i >= 0; i--) {
            LaneEntry entry = left.get(i);
            if (entry.state != LaneEntry.State.ACTIVE) {
              continue;
            }
            if (settled != null) {
              forget(entry, entry.revoked ? Count.GIVEN_BACK : settled.count(), false);
            } else if (isLeaving(entry)) {
              leave(entry);
            } else if (left.size() > 1) {
              entry.mustRunAlone = true;
              lanes.returnToLane(entry);
            } else {
              lanes.makeReady(entry, true);
            }
          }
          noteActive();
          pauseRoute(
              jvm
                  ? AttemptOutcome.jvmFailure(Failures.text(failure))
                  : AttemptOutcome.outage("a worker failed: " + Failures.text(failure)));
        });
    events.componentFailed("a worker ended and is replaced", failure);
  }

  /** A worker asks the gate, which may not return. */
  void gateAsked() {
    if (gateCalls.getAndIncrement() == 0) {
      gateSinceNanos = runtime.time().nanoTime();
    }
  }

  void gateAnswered() {
    gateCalls.decrementAndGet();
    gateSinceNanos = runtime.time().nanoTime();
  }

  /** Whether workers wait for the gate although it answers in no time. */
  boolean gateHangs() {
    return gateCalls.get() > 0
        && runtime.time().nanoTime() - gateSinceNanos > config.handlerDeadline().toNanos();
  }

  /** The record was not handled because something is out of reach. */
  void outage(LaneEntry entry, AttemptOutcome why) {
    change(() -> outageOf(entry, why));
  }

  /** As {@link #outage}. Lock held. */
  void outageOf(LaneEntry entry, AttemptOutcome why) {
    boolean repeated = ownOutages.recordOutage(entry, why);
    // First: even if the pause can't be set, the record is not left with a worker that has gone.
    // Behind the others after some probes, so that the next probe is another record.
    backToReady(entry, !repeated);
    pauseRoute(why, repeated ? MessageOutages.repetitionText(entry) : "");
  }
}
