package io.commslib.core.spi;

import io.commslib.core.Health;
import io.commslib.core.codec.CodecException;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Workers;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The broker-neutral half of a subscription: everything that happens to a record between taking it
 * from the broker and settling it. Adapters feed it with {@link #accept} and learn the outcome
 * through {@link Settler}; whatever can fail on a received message fails in here, so that no path
 * acknowledges silently.
 *
 * <p>Records of one key form a lane: one at a time, in order of acceptance. A lane whose head waits
 * for a retry holds only itself. Records without key have no lane. Thread-safe. Starts worker
 * threads named {@code commslib-<transport>-<group>-<n>}.
 *
 * @since 0.1
 */
public final class DeliveryEngine implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(DeliveryEngine.class);

  /** Records of one key a worker handles in a row before another key gets its turn. */
  private static final int TURN = 16;

  /** Settled messages between two looks at the clock for the flood breaker. */
  private static final int FLOOD_SAMPLE = 64;

  /** Tries alone after which a message goes to the dead letters in spite of a flood. */
  private static final int MAX_PROBES = 3;

  private static final Duration LEDGER_INTERVAL = Duration.ofSeconds(10);
  private static final Duration GIVE_BACK_PAUSE = Duration.ofMillis(100);

  private final SubscriptionConfig config;
  private final CommsRuntime runtime;
  private final Settler settler;
  private final DeadLetterSink deadLetters;
  private final String consumer;
  private final String handlerName;
  private final @Nullable FloodBreaker flood;
  private final boolean givesBackInPlace;
  private final EngineEvents events;
  private final Attempts attempts;
  private final Watchdog watchdog;
  private final Workers workers;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition idle = lock.newCondition();
  private final IntakeBounds intake;
  private final Lanes lanes;
  private final Set<Object> stoppedScopes = Collections.newSetFromMap(new IdentityHashMap<>());
  private final Route route;
  private final long[] counts = new long[Count.values().length];
  private final Runnable workerRun;
  private final @Nullable BatchAttempts batchAttempts;

  /** Workers that were decided on under the lock and must be started outside of it. */
  private final AtomicInteger toStart = new AtomicInteger();

  /** Workers that will look for work soon. */
  private int starting;

  private long settled;

  private int running;
  private int waiters;
  private boolean batchTimer;
  private boolean ledgerTimer;
  private boolean draining;
  private volatile boolean intakeOpen = true;
  private volatile boolean closed;

  DeliveryEngine(DeliveryEngineBuilder builder) {
    this.config = builder.config;
    this.runtime = Objects.requireNonNull(builder.runtime);
    this.settler = Objects.requireNonNull(builder.settler);
    this.deadLetters = Objects.requireNonNull(builder.deadLetters);
    this.consumer = config.destination() + "/" + config.group();
    this.handlerName = builder.handler.getClass().getName();
    this.flood = config.flood().map(FloodBreaker::new).orElse(null);
    this.givesBackInPlace = builder.givesBackInPlace;
    this.events = new EngineEvents(config, builder.observer, builder.onIntakeOpen);
    this.intake = new IntakeBounds(config.maxInFlight(), config.maxInFlightBytes());
    this.lanes = new Lanes(intake);
    this.route = new Route(runtime, this::change);
    this.watchdog =
        new Watchdog(
            runtime,
            config.handlerDeadline(),
            this::executions,
            execution -> events.overrun(execution.entry().id()));
    this.attempts =
        new Attempts(
            config,
            builder.handler,
            Objects.requireNonNull(builder.envelope),
            runtime.time(),
            watchdog,
            () -> closed || draining);
    this.batchAttempts =
        config.batch().isPresent() && builder.handler instanceof BatchHandler batchHandler
            ? new BatchAttempts(config, batchHandler, runtime.time(), watchdog)
            : null;
    this.workerRun = batchAttempts == null ? this::work : () -> workBatches(batchAttempts);
    this.workers =
        runtime.newWorkers(
            builder.transport + "-" + config.destination().name() + "-" + config.group(),
            config.workers());
  }

  /**
   * Starts an engine's configuration.
   *
   * @param config what the subscription asks
   * @param handler what handles its messages
   * @return new builder
   */
  public static DeliveryEngineBuilder builder(SubscriptionConfig config, MessageHandler handler) {
    return new DeliveryEngineBuilder(config, handler);
  }

  /**
   * Takes responsibility for a record. Never blocks, never refuses: bounds are kept by {@link
   * #isIntakeOpen()}, which the adapter asks before it takes more from the broker. Records of one
   * key must be accepted in broker order. After {@link #drain} or {@link #close} the record is
   * given back at once.
   *
   * @param delivery the record
   */
  public void accept(RawDelivery delivery) {
    boolean refused;
    lock.lock();
    try {
      refused = take(delivery);
      noteIntake();
      dispatch();
    } finally {
      lock.unlock();
    }
    if (refused) {
      settler.giveBack(delivery);
    }
    flush();
  }

  /**
   * Takes responsibility for records until the intake closes, at the price of one: what {@link
   * #accept(RawDelivery)} does for each as long as {@link #isIntakeOpen()}.
   *
   * @param deliveries in broker order
   * @return how many were taken, from the first on; the caller keeps the others until the intake
   *     opens again
   */
  public int acceptWhileOpen(List<? extends RawDelivery> deliveries) {
    List<RawDelivery> refused = null;
    int taken = 0;
    lock.lock();
    try {
      while (taken < deliveries.size() && intake.isOpen() && !draining && !closed) {
        RawDelivery delivery = deliveries.get(taken++);
        if (take(delivery)) {
          refused = refused == null ? new ArrayList<>() : refused;
          refused.add(delivery);
        }
        noteIntake();
      }
      dispatch();
    } finally {
      lock.unlock();
    }
    if (refused != null) {
      refused.forEach(settler::giveBack);
    }
    flush();
    return taken;
  }

  /** Returns true if it must be given back at once. Lock held. */
  private boolean take(RawDelivery delivery) {
    counts[Count.RECEIVED.ordinal()]++;
    boolean forgotten =
        closed || (!stoppedScopes.isEmpty() && stoppedScopes.contains(delivery.scope()));
    if (forgotten || draining) {
      counts[Count.GIVEN_BACK.ordinal()]++;
      return !forgotten;
    }
    lanes.add(delivery, runtime.time().nanoTime());
    setLedgerTimer();
    return false;
  }

  /**
   * Returns whether the adapter may take more from the broker: in-flight count and bytes are below
   * their bounds (with hysteresis: after closing, below 70 %), and waiting records below half of
   * the count.
   *
   * @return true to go on
   */
  public boolean isIntakeOpen() {
    return intakeOpen;
  }

  /**
   * Starts no more handlers for a scope that is about to be lost; its records that have not started
   * are forgotten without settlement and count as given back. Running ones go on and are still
   * settled until {@link #revoke}. Idempotent.
   *
   * @param scope as in {@link RawDelivery#scope()}
   */
  public void stopScope(Object scope) {
    change(
        () -> {
          stoppedScopes.add(scope);
          removeIdle(entry -> entry.raw.scope() == scope);
        });
  }

  /**
   * Waits until no handler of a scope runs. Blocks the caller, not the workers.
   *
   * @param scope as in {@link RawDelivery#scope()}
   * @param timeout how long at most
   * @return whether none runs
   */
  public boolean awaitScopeIdle(Object scope, Duration timeout) {
    return await(
        timeout, () -> lanes.active().stream().noneMatch(entry -> entry.raw.scope() == scope));
  }

  /**
   * Forgets a scope that is lost: includes {@link #stopScope}; handlers of it that still run are
   * not settled when they end. Idempotent.
   *
   * @param scope as in {@link RawDelivery#scope()}
   */
  public void revoke(Object scope) {
    stopScope(scope);
    change(
        () -> {
          for (LaneEntry entry : lanes.active()) {
            entry.revoked |= entry.raw.scope() == scope;
          }
          stoppedScopes.remove(scope);
        });
  }

  /** Starts no more handlers until {@link #resume()}. Idempotent. */
  public void pause() {
    change(route::pauseByUser);
  }

  /** Ends {@link #pause()}. Idempotent. */
  public void resume() {
    change(route::resumeByUser);
  }

  /**
   * Starts no more handlers, gives back what has not started, and waits until what runs has ended
   * and was settled.
   *
   * @param timeout how long to wait at most
   * @return whether all had ended
   */
  public boolean drain(Duration timeout) {
    List<LaneEntry> returned = new ArrayList<>();
    change(
        () -> {
          draining = true;
          if (!closed) {
            returned.addAll(removeIdle(entry -> true));
          }
        });
    returned.forEach(entry -> settler.giveBack(entry.raw));
    return await(timeout, () -> lanes.active().isEmpty());
  }

  /**
   * Ends the engine: interrupts running handlers, whose records are not settled any more.
   * Idempotent; does not wait.
   */
  @Override
  public void close() {
    change(
        () -> {
          if (!closed) {
            closed = true;
            removeIdle(entry -> true);
            lanes.active().forEach(entry -> entry.revoked = true);
            route.close();
            idle.signalAll();
          }
        });
    workers.close();
  }

  /**
   * Returns the conservation ledger now.
   *
   * @return a consistent snapshot
   */
  public SubscriptionSnapshot snapshot() {
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
          lanes.lanes());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns the health of the handlers' side; the adapter adds its connection's.
   *
   * @return down beyond {@link SubscriptionConfig#maxStuckHandlers()} and while an error of the JVM
   *     stops the route, degraded while an outage pauses it
   */
  public Health health() {
    SubscriptionSnapshot now = snapshot();
    Map<String, String> details = new HashMap<>();
    details.put("oldestInFlight", now.oldestInFlight().toString());
    details.put("inFlight", Long.toString(now.count(Count.IN_FLIGHT) + now.count(Count.WAITING)));
    details.put("stuckHandlers", Integer.toString(now.stuckHandlers()));
    if (closed) {
      return Health.of(Health.Status.DOWN, "closed", details);
    }
    if (now.stuckHandlers() > config.maxStuckHandlers()) {
      return Health.of(
          Health.Status.DOWN,
          now.stuckHandlers() + " handlers overran and did not return",
          details);
    }
    if (now.isRoutePaused() && route.isMachineFailed()) {
      return Health.of(Health.Status.DOWN, "stopped: " + route.reason(), details);
    }
    String reason = now.isRoutePaused() ? "paused: " + route.reason() : "";
    return Health.of(
        now.isRoutePaused() ? Health.Status.DEGRADED : Health.Status.UP, reason, details);
  }

  private Duration age(@Nullable LaneEntry entry) {
    return entry == null
        ? Duration.ZERO
        : Duration.ofNanos(runtime.time().nanoTime() - entry.receivedNanos);
  }

  /** Tells the observer the ledger, and again later while there is something unsettled. */
  private void tellLedger() {
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
  private void setLedgerTimer() {
    if (!ledgerTimer && !events.isSilent()) {
      ledgerTimer = true;
      runtime.scheduler().schedule(LEDGER_INTERVAL, this::tellLedger);
    }
  }

  private List<Execution> executions() {
    List<Execution> found = new ArrayList<>();
    lock.lock();
    try {
      for (LaneEntry entry : lanes.active()) {
        Execution execution = entry.execution;
        if (execution != null) {
          found.add(execution);
        }
      }
    } finally {
      lock.unlock();
    }
    return found;
  }

  private boolean await(Duration timeout, BooleanSupplier condition) {
    long left = timeout.toNanos();
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
  private List<LaneEntry> removeIdle(Predicate<LaneEntry> matching) {
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

  private void forget(LaneEntry entry, Count count, boolean nextFirst) {
    lanes.remove(entry, nextFirst);
    counts[count.ordinal()]++;
    settled++;
    if (flood != null && settled % FLOOD_SAMPLE == 0) {
      flood.sample(settled, runtime.time().nanoTime());
    }
    events.settled(entry, count, runtime.time());
    noteActive();
  }

  private void noteActive() {
    if (waiters > 0) {
      idle.signalAll();
    }
  }

  /**
   * Decides on one more worker if there is work for it; that one decides on the next. Lock held.
   */
  private void dispatch() {
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

  /** Lock held. */
  private boolean hasWork() {
    LaneEntry first = lanes.firstReady();
    if (first == null || batchAttempts == null || first.single) {
      return first != null;
    }
    BatchBounds bounds = config.batch().orElseThrow();
    long left = first.receivedNanos + bounds.maxAge().toNanos() - runtime.time().nanoTime();
    if (left <= 0 || !intake.isOpen() || lanes.fills(bounds)) {
      return true;
    }
    if (!batchTimer) {
      batchTimer = true;
      runtime.scheduler().schedule(Duration.ofNanos(left), () -> change(() -> batchTimer = false));
    }
    return false;
  }

  /** Does what was decided under the lock and must not happen under it. */
  private void flush() {
    if (toStart.get() > 0) {
      for (int left = toStart.getAndSet(0); left > 0; left--) {
        startWorker();
      }
    }
    events.deliver();
  }

  private void startWorker() {
    try {
      workers.execute(workerRun);
    } catch (RejectedExecutionException e) {
      // The runtime is closed: nothing runs any more.
      lock.lock();
      try {
        running--;
        starting--;
      } finally {
        lock.unlock();
      }
    }
  }

  private void change(Runnable change) {
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
  private void noteIntake() {
    if (intake.update()) {
      events.intake(!intake.isOpen());
    }
    boolean open = intake.isOpen() && !draining && !closed;
    if (open != intakeOpen) {
      intakeOpen = open;
    }
  }

  /** A worker's life: takes what is ready until there is nothing for it to do. */
  private void work() {
    Verdict verdict = null;
    LaneEntry entry = null;
    int turn = 0;
    boolean first = true;
    while (true) {
      boolean gateOpen = isGateOpen();
      LaneEntry done = entry;
      entry = next(done, verdict, turn, gateOpen, first);
      first = false;
      flush();
      if (entry == null) {
        return;
      }
      turn = done != null && entry.lane != null && done.lane == entry.lane ? turn + 1 : 0;
      verdict = run(entry);
      if (verdict.kind() == Verdict.Kind.FINISHED) {
        // Settled before it leaves the books, so that who waits for a scope to be idle finds it
        // settled.
        acknowledge(entry);
      } else if (apply(entry, verdict)) {
        entry = null;
      } else {
        flush();
        return;
      }
    }
  }

  private Verdict run(LaneEntry entry) {
    LaneEntry.Failures failures = entry.failures;
    if (failures == null) {
      return attempts.run(entry);
    }
    if (failures.deadLetter != null) {
      return Verdict.deadLetter(failures.deadLetterCount, "");
    }
    Verdict decided = failures.decided;
    failures.decided = null;
    return decided == null ? attempts.run(entry) : decided;
  }

  /** A worker's life where messages are handled in batches. */
  private void workBatches(BatchAttempts batches) {
    boolean first = true;
    while (true) {
      List<LaneEntry> batch = nextBatch(isGateOpen(), first);
      first = false;
      flush();
      if (batch.isEmpty()) {
        return;
      }
      LaneEntry entry = batch.get(0);
      if (!entry.single) {
        runBatch(batches, batch);
        continue;
      }
      Verdict verdict = run(entry);
      if (verdict.kind() == Verdict.Kind.FINISHED) {
        acknowledge(entry);
        change(() -> book(entry, verdict.count(), true));
      } else if (!apply(entry, verdict)) {
        flush();
        return;
      }
    }
  }

  private List<LaneEntry> nextBatch(boolean gateOpen, boolean first) {
    lock.lock();
    try {
      if (first) {
        starting--;
      }
      if (!gateOpen && route.gateClosed()) {
        events.route(true, "gate closed");
      }
      List<LaneEntry> batch = List.of();
      int allowed = route.allowed(config.workers());
      if (gateOpen && !closed && !draining && running <= allowed && hasWork()) {
        BatchBounds bounds = config.batch().orElseThrow();
        batch = lanes.takeBatch(route.isPaused() ? 1 : bounds.maxItems(), bounds.maxBytes());
      }
      if (batch.isEmpty()) {
        running--;
      }
      dispatch();
      return batch;
    } finally {
      lock.unlock();
    }
  }

  private void runBatch(BatchAttempts batches, List<LaneEntry> taken) {
    BatchRun run = new BatchRun(taken, attempts);
    run.run(batches);
    run.finished().forEach((entry, count) -> acknowledge(entry));
    change(
        () -> {
          run.finished().forEach((entry, count) -> book(entry, count, true));
          Verdict outage = run.outage();
          if (outage != null) {
            pauseRoute(outage);
          }
          for (LaneEntry entry : run.untaken()) {
            if (isLeaving(entry)) {
              leave(entry);
            } else {
              lanes.untake(entry);
            }
          }
          noteActive();
        });
  }

  private boolean isGateOpen() {
    try {
      return config.gate().isOpen();
    } catch (RuntimeException e) {
      log.error("gate of {} failed and counts as closed", config.group(), e);
      return false;
    }
  }

  private void acknowledge(LaneEntry entry) {
    if (entry.revoked) {
      return;
    }
    try {
      settler.acknowledge(entry.raw);
    } catch (RuntimeException e) {
      log.error("settlement of {} for {} failed", entry.id(), config.group(), e);
    }
  }

  /**
   * Books what a worker has finished and gives it something else to do; null when its life is over.
   */
  private @Nullable LaneEntry next(
      @Nullable LaneEntry done,
      @Nullable Verdict verdict,
      int turn,
      boolean gateOpen,
      boolean first) {
    lock.lock();
    try {
      if (first) {
        starting--;
      }
      if (done != null && verdict != null) {
        book(done, verdict.count(), turn < TURN);
      }
      if (!gateOpen && route.gateClosed()) {
        events.route(true, "gate closed");
      }
      if (gateOpen && !closed && !draining && running <= route.allowed(config.workers())) {
        LaneEntry entry = lanes.takeReady();
        if (entry != null) {
          dispatch();
          return entry;
        }
      }
      running--;
      dispatch();
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** Lock held. */
  private void book(LaneEntry entry, Count count, boolean nextFirst) {
    if (route.succeeded()) {
      if (flood != null) {
        flood.reset();
      }
      events.route(false, "");
    }
    forget(entry, entry.revoked ? Count.GIVEN_BACK : count, nextFirst);
    noteIntake();
  }

  /** Applies what an attempt came to; true if the worker may go on. */
  private boolean apply(LaneEntry entry, Verdict verdict) {
    switch (verdict.kind()) {
      case RETRY:
        return retry(entry, verdict.after());
      case DEAD_LETTER:
        return park(entry, verdict);
      case OUTAGE:
      case MACHINE_FAILED:
        outage(entry, verdict);
        return true;
      case GIVE_BACK:
        giveBack(entry);
        return true;
      default:
        throw new IllegalStateException("verdict: " + verdict.kind());
    }
  }

  private boolean retry(LaneEntry entry, @Nullable Duration after) {
    int failed = ++entry.failures().attempts;
    Optional<Duration> scheduled = config.retry().delayAfter(failed, runtime.random());
    if (scheduled.isEmpty()) {
      return park(entry, Verdict.deadLetter(Count.DEAD_LETTERED, "ATTEMPTS_EXHAUSTED"));
    }
    Duration delay = after == null ? scheduled.get() : after;
    events.retry(entry, delay);
    change(
        () -> {
          if (route.isFlood()) {
            route.flood(route.reason());
          } else if (route.succeeded()) {
            events.route(false, "");
          }
          hold(entry, delay);
        });
    return true;
  }

  /** Lets the record wait, and with it those behind it. Lock held. */
  private void hold(LaneEntry entry, Duration delay) {
    if (isLeaving(entry)) {
      leave(entry);
      return;
    }
    lanes.hold(entry);
    noteActive();
    runtime.scheduler().schedule(delay, () -> change(() -> lanes.wake(entry)));
  }

  private boolean isLeaving(LaneEntry entry) {
    return draining || closed || entry.revoked || stoppedScopes.contains(entry.raw.scope());
  }

  /** The engine ends or the scope is lost: what would wait leaves instead. Lock held. */
  private void leave(LaneEntry entry) {
    boolean wanted = !closed && !entry.revoked && !stoppedScopes.contains(entry.raw.scope());
    forget(entry, Count.GIVEN_BACK, false);
    if (wanted) {
      events.later(() -> settler.giveBack(entry.raw));
    }
  }

  private void outage(LaneEntry entry, Verdict why) {
    change(
        () -> {
          pauseRoute(why);
          backToReady(entry, true);
        });
  }

  /** Lock held. */
  private void pauseRoute(Verdict why) {
    boolean paused =
        why.kind() == Verdict.Kind.MACHINE_FAILED
            ? route.machineFailed(why.reason())
            : route.outage(why.reason());
    if (paused) {
      events.route(true, why.reason());
    }
  }

  /** It was not handled after all, and no attempt is counted. Lock held. */
  private void backToReady(LaneEntry entry, boolean first) {
    if (isLeaving(entry)) {
      leave(entry);
    } else {
      lanes.ready(entry, first);
      noteActive();
    }
  }

  private void giveBack(LaneEntry entry) {
    List<LaneEntry> given = new ArrayList<>();
    change(
        () -> {
          route.succeeded();
          if (givesBackInPlace && !draining && !closed) {
            hold(entry, GIVE_BACK_PAUSE);
            return;
          }
          boolean wanted = !closed && !entry.revoked;
          // What stands behind it in its lane goes back too, else it would overtake.
          LaneEntry next = entry;
          while (next != null) {
            LaneEntry back = next;
            next = back.behind;
            forget(back, Count.GIVEN_BACK, false);
            if (wanted) {
              given.add(back);
            }
          }
        });
    given.forEach(back -> settler.giveBack(back.raw));
  }

  /**
   * Publishes to the dead letters; the worker's place stays taken until that is decided. Returns
   * true if the worker may go on, because a flood keeps the record from the dead letters.
   */
  private boolean park(LaneEntry entry, Verdict verdict) {
    LaneEntry.Failures failures = entry.failures();
    WireMessage letter = failures.deadLetter;
    if (letter == null) {
      if (isFlood(entry, verdict)) {
        return true;
      }
      letter =
          DeadLetterHeaders.add(
              DeadLetterHeaders.redrivenAtLeast(entry.raw.wire(), failures.holdLevel),
              DeadLetterCause.of(entry, verdict.reason(), config, handlerName, runtime.time()));
      failures.deadLetter = letter;
      failures.deadLetterCount = verdict.count();
    }
    try {
      if (failures.deadLetterCount == Count.DEAD_LETTERED) {
        holdKey(entry);
      }
      deadLetters.publish(letter).whenComplete((confirmed, failure) -> parked(entry, failure));
    } catch (RuntimeException e) {
      parked(entry, e);
    }
    return false;
  }

  /** Before the letter: after a crash between the two, the record comes again and is parked. */
  private void holdKey(LaneEntry entry) {
    if (config.heldKeys().isPresent() && entry.lane != null) {
      int level = DeadLetterHeaders.redriveCount(entry.raw.wire());
      config.heldKeys().get().hold(consumer, entry.lane.key, level);
    }
  }

  /** If it is one of a flood of dead letters, it is kept and the route pauses. */
  private boolean isFlood(LaneEntry entry, Verdict verdict) {
    LaneEntry.Failures failures = entry.failures();
    Throwable failure = failures.last;
    if (flood == null
        || failure == null
        || failure instanceof CodecException
        || verdict.count() != Count.DEAD_LETTERED
        || failures.probes >= MAX_PROBES) {
      return false;
    }
    String cause = DeadLetterCause.fingerprint(failure, verdict.reason());
    String key = entry.lane == null ? null : entry.lane.key;
    lock.lock();
    try {
      if (!route.isFlood() && !flood.letter(cause, key, settled, runtime.time().nanoTime())) {
        return false;
      }
      if (route.flood("flood of dead letters: " + cause)) {
        events.route(true, "flood of dead letters: " + cause);
      }
      failures.probes++;
      failures.attempts = Math.max(0, failures.attempts - 1);
      // Behind the others, so that the next probe is another message.
      backToReady(entry, false);
      return true;
    } finally {
      lock.unlock();
    }
  }

  private void parked(LaneEntry entry, @Nullable Throwable failure) {
    if (failure != null) {
      log.warn(
          "dead letter of {} for {} not confirmed, the route waits: {}",
          entry.id(),
          config.group(),
          failure.toString());
      outage(entry, Verdict.outage("dead-letter target"));
    } else {
      acknowledge(entry);
    }
    change(
        () -> {
          if (failure == null) {
            book(entry, entry.failures().deadLetterCount, false);
          }
          running--;
        });
  }
}
