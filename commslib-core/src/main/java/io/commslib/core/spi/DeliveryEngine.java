package io.commslib.core.spi;

import io.commslib.core.Health;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Workers;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.IdentityHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
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

  /** Records of one lane a worker handles before another lane gets its turn. */
  private static final int TURN = 16;

  private static final Duration GIVE_BACK_PAUSE = Duration.ofMillis(100);

  private final SubscriptionConfig config;
  private final CommsRuntime runtime;
  private final Settler settler;
  private final DeadLetterSink deadLetters;
  private final boolean givesBackInPlace;
  private final EngineEvents events;
  private final Attempts attempts;
  private final Watchdog watchdog;
  private final Workers workers;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition idle = lock.newCondition();
  private final Map<String, Lane> lanes = new HashMap<>();
  private final ArrayDeque<Lane> ready = new ArrayDeque<>();
  private final LinkedHashSet<LaneEntry> unsettled = new LinkedHashSet<>();
  private final Set<LaneEntry> active = new HashSet<>();
  private final Set<Object> stoppedScopes = Collections.newSetFromMap(new IdentityHashMap<>());
  private final IntakeBounds intake;
  private final Route route;
  private final long[] counts = new long[Count.values().length];
  private int running;
  private boolean draining;
  private volatile boolean closed;

  DeliveryEngine(DeliveryEngineBuilder builder) {
    this.config = builder.config;
    this.runtime = Objects.requireNonNull(builder.runtime);
    this.settler = Objects.requireNonNull(builder.settler);
    this.deadLetters = Objects.requireNonNull(builder.deadLetters);
    this.givesBackInPlace = builder.givesBackInPlace;
    this.events = new EngineEvents(config, builder.observer, builder.onIntakeOpen);
    this.intake = new IntakeBounds(config.maxInFlight(), config.maxInFlightBytes());
    this.route = new Route(runtime, this::changeRoute);
    this.watchdog =
        new Watchdog(runtime, config.handlerDeadline(), entry -> events.overrun(entry.id()));
    this.attempts =
        new Attempts(
            config,
            builder.handler,
            Objects.requireNonNull(builder.envelope),
            runtime.time(),
            watchdog,
            () -> closed || draining);
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
      counts[Count.RECEIVED.ordinal()]++;
      boolean forgotten = closed || stoppedScopes.contains(delivery.scope());
      refused = !forgotten && draining;
      if (forgotten || refused) {
        counts[Count.GIVEN_BACK.ordinal()]++;
      } else {
        enqueue(delivery);
      }
    } finally {
      lock.unlock();
    }
    if (refused) {
      settler.giveBack(delivery);
    }
    events.deliver();
  }

  private void enqueue(RawDelivery delivery) {
    Lane lane =
        delivery
            .laneKey()
            .map(key -> lanes.computeIfAbsent(key, Lane::new))
            .orElseGet(() -> new Lane(null));
    LaneEntry entry = new LaneEntry(delivery, lane, runtime.time().nanoTime());
    lane.entries.add(entry);
    unsettled.add(entry);
    intake.added(delivery.sizeBytes());
    if (lane.state == Lane.State.WAITING) {
      intake.waiting(1);
    } else if (lane.state == Lane.State.IDLE) {
      lane.state = Lane.State.READY;
      ready.add(lane);
      dispatch();
    }
    noteIntake();
  }

  /**
   * Returns whether the adapter may take more from the broker: in-flight count and bytes are below
   * their bounds (with hysteresis: after closing, below 70 %), and waiting records below half of
   * the count.
   *
   * @return true to go on
   */
  public boolean isIntakeOpen() {
    lock.lock();
    try {
      return intake.isOpen() && !draining && !closed;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Starts no more handlers for a scope that is about to be lost; its records that have not started
   * are forgotten without settlement and count as given back. Running ones go on and are still
   * settled until {@link #revoke}. Idempotent.
   *
   * @param scope as in {@link RawDelivery#scope()}
   */
  public void stopScope(Object scope) {
    lock.lock();
    try {
      stoppedScopes.add(scope);
      removeIdle(entry -> entry.raw.scope() == scope);
    } finally {
      lock.unlock();
    }
    events.deliver();
  }

  /**
   * Waits until no handler of a scope runs. Blocks the caller, not the workers.
   *
   * @param scope as in {@link RawDelivery#scope()}
   * @param timeout how long at most
   * @return whether none runs
   */
  public boolean awaitScopeIdle(Object scope, Duration timeout) {
    return await(timeout, () -> active.stream().noneMatch(entry -> entry.raw.scope() == scope));
  }

  /**
   * Forgets a scope that is lost: includes {@link #stopScope}; handlers of it that still run are
   * not settled when they end. Idempotent.
   *
   * @param scope as in {@link RawDelivery#scope()}
   */
  public void revoke(Object scope) {
    stopScope(scope);
    lock.lock();
    try {
      active.stream()
          .filter(entry -> entry.raw.scope() == scope)
          .forEach(entry -> entry.revoked = true);
      stoppedScopes.remove(scope);
    } finally {
      lock.unlock();
    }
  }

  /** Starts no more handlers until {@link #resume()}. Idempotent. */
  public void pause() {
    lock.lock();
    try {
      route.pauseByUser();
    } finally {
      lock.unlock();
    }
  }

  /** Ends {@link #pause()}. Idempotent. */
  public void resume() {
    lock.lock();
    try {
      route.resumeByUser();
      dispatch();
    } finally {
      lock.unlock();
    }
  }

  /**
   * Starts no more handlers, gives back what has not started, and waits until what runs has ended
   * and was settled.
   *
   * @param timeout how long to wait at most
   * @return whether all had ended
   */
  public boolean drain(Duration timeout) {
    List<LaneEntry> returned;
    lock.lock();
    try {
      draining = true;
      returned = closed ? List.of() : removeIdle(entry -> true);
    } finally {
      lock.unlock();
    }
    returned.forEach(entry -> settler.giveBack(entry.raw));
    events.deliver();
    return await(timeout, active::isEmpty);
  }

  /**
   * Ends the engine: interrupts running handlers, whose records are not settled any more.
   * Idempotent; does not wait.
   */
  @Override
  public void close() {
    lock.lock();
    try {
      if (closed) {
        return;
      }
      closed = true;
      removeIdle(entry -> true);
      active.forEach(entry -> entry.revoked = true);
      route.close();
      idle.signalAll();
    } finally {
      lock.unlock();
    }
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
      now[Count.IN_FLIGHT.ordinal()] = unsettled.size() - intake.waitingCount();
      Duration oldest =
          unsettled.isEmpty()
              ? Duration.ZERO
              : Duration.ofNanos(
                  runtime.time().nanoTime() - unsettled.iterator().next().receivedNanos);
      return new SubscriptionSnapshot(
          now, oldest, !intake.isOpen(), route.isPaused(), watchdog.stuckHandlers(), liveLanes());
    } finally {
      lock.unlock();
    }
  }

  /**
   * Returns the health of the handlers' side; the adapter adds its connection's.
   *
   * @return down beyond {@link SubscriptionConfig#maxStuckHandlers()}, degraded while an outage
   *     pauses the route
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
    String reason = now.isRoutePaused() ? "paused: " + route.reason() : "";
    return Health.of(
        now.isRoutePaused() ? Health.Status.DEGRADED : Health.Status.UP, reason, details);
  }

  private int liveLanes() {
    int unkeyed = 0;
    for (LaneEntry entry : unsettled) {
      unkeyed += entry.lane.key == null ? 1 : 0;
    }
    return lanes.size() + unkeyed;
  }

  private boolean await(Duration timeout, BooleanSupplier condition) {
    long left = timeout.toNanos();
    lock.lock();
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
      lock.unlock();
    }
  }

  /**
   * Takes out all matching records nobody works on, in lane order, and counts them as given back.
   * Lock held.
   */
  private List<LaneEntry> removeIdle(Predicate<LaneEntry> matching) {
    List<LaneEntry> removed = new ArrayList<>();
    for (LaneEntry entry : unsettled) {
      if (matching.test(entry) && !active.contains(entry)) {
        removed.add(entry);
      }
    }
    for (LaneEntry entry : removed) {
      Lane lane = entry.lane;
      boolean waitingHead = lane.state == Lane.State.WAITING && lane.entries.peekFirst() == entry;
      forget(entry, Count.GIVEN_BACK);
      if (waitingHead && !lane.entries.isEmpty()) {
        // The head that waited is gone; the rest has nothing to wait for.
        intake.waiting(-lane.entries.size());
        makeReady(lane, false);
      }
    }
    noteIntake();
    return removed;
  }

  private void forget(LaneEntry entry, Count count) {
    Lane lane = entry.lane;
    if (lane.state == Lane.State.WAITING) {
      intake.waiting(-1);
    }
    lane.entries.remove(entry);
    unsettled.remove(entry);
    active.remove(entry);
    intake.removed(entry.raw.sizeBytes());
    counts[count.ordinal()]++;
    if (lane.entries.isEmpty()) {
      lane.state = Lane.State.IDLE;
      ready.remove(lane);
      if (lane.key != null) {
        lanes.remove(lane.key);
      }
    }
    events.settled(entry, count, runtime.time().nanoTime());
    idle.signalAll();
  }

  private void makeReady(Lane lane, boolean first) {
    lane.state = Lane.State.READY;
    if (first) {
      ready.addFirst(lane);
    } else {
      ready.addLast(lane);
    }
    dispatch();
  }

  /** Starts workers for ready lanes as far as the route allows. Lock held. */
  private void dispatch() {
    while (!closed && !draining && !ready.isEmpty() && running < route.allowed(config.workers())) {
      Lane lane = ready.poll();
      lane.state = Lane.State.ACTIVE;
      running++;
      try {
        workers.execute(() -> work(lane));
      } catch (RejectedExecutionException e) {
        running--;
        lane.state = Lane.State.IDLE;
        return;
      }
    }
  }

  private void changeRoute(Runnable change) {
    lock.lock();
    try {
      change.run();
      dispatch();
    } finally {
      lock.unlock();
    }
    events.deliver();
  }

  private void noteIntake() {
    if (intake.update()) {
      events.intake(!intake.isOpen());
    }
  }

  /** A worker's turn at a lane. */
  private void work(Lane lane) {
    boolean again = true;
    for (int turn = 0; again; turn++) {
      boolean open = config.gate().isOpen();
      LaneEntry entry = begin(lane, open, turn);
      events.deliver();
      if (entry == null) {
        return;
      }
      again =
          apply(
              entry,
              entry.deadLetter == null
                  ? attempts.run(entry)
                  : Verdict.deadLetter(entry.deadLetterCount, ""));
      events.deliver();
    }
  }

  /** Returns the lane's head to work on, or null when this worker's turn is over. */
  private @Nullable LaneEntry begin(Lane lane, boolean gateOpen, int turn) {
    lock.lock();
    try {
      LaneEntry head = lane.entries.peekFirst();
      if (!gateOpen && route.gateClosed()) {
        events.route(true, "gate closed");
      }
      boolean goOn = turn < TURN || ready.isEmpty();
      if (head != null
          && gateOpen
          && goOn
          && !closed
          && !draining
          && route.allowed(config.workers()) >= running) {
        active.add(head);
        return head;
      }
      running--;
      if (head == null) {
        lane.state = Lane.State.IDLE;
      } else {
        makeReady(lane, turn < TURN);
      }
      dispatch();
      return null;
    } finally {
      lock.unlock();
    }
  }

  /** Applies what an attempt came to; true if the worker may go on with the lane. */
  private boolean apply(LaneEntry entry, Verdict verdict) {
    switch (verdict.kind()) {
      case FINISHED:
        return finish(entry, verdict.count());
      case RETRY:
        return retry(entry, verdict.after());
      case DEAD_LETTER:
        return park(entry, verdict);
      case OUTAGE:
        return outage(entry, verdict.reason());
      case GIVE_BACK:
        return giveBack(entry);
      default:
        throw new IllegalStateException("verdict: " + verdict.kind());
    }
  }

  private boolean finish(LaneEntry entry, Count count) {
    // Settled before it leaves the books, so that who waits for a scope to be idle finds it
    // settled.
    if (!entry.revoked) {
      settler.acknowledge(entry.raw);
    }
    lock.lock();
    try {
      if (route.succeeded()) {
        events.route(false, "");
        dispatch();
      }
      forget(entry, entry.revoked ? Count.GIVEN_BACK : count);
      noteIntake();
      return true;
    } finally {
      lock.unlock();
    }
  }

  private boolean retry(LaneEntry entry, @Nullable Duration after) {
    entry.failedAttempts++;
    Optional<Duration> scheduled =
        config.retry().delayAfter(entry.failedAttempts, runtime.random());
    if (scheduled.isEmpty()) {
      return park(entry, Verdict.deadLetter(Count.DEAD_LETTERED, "ATTEMPTS_EXHAUSTED"));
    }
    Duration delay = after == null ? scheduled.get() : after;
    events.retry(entry, delay);
    lock.lock();
    try {
      if (route.succeeded()) {
        events.route(false, "");
      }
      return holdLane(entry, delay);
    } finally {
      lock.unlock();
    }
  }

  /** Lets the lane wait with its head. Lock held. */
  private boolean holdLane(LaneEntry entry, Duration delay) {
    running--;
    active.remove(entry);
    idle.signalAll();
    if (draining || closed || entry.revoked || stoppedScopes.contains(entry.raw.scope())) {
      return leave(entry);
    }
    Lane lane = entry.lane;
    lane.state = Lane.State.WAITING;
    intake.waiting(lane.entries.size());
    noteIntake();
    runtime.scheduler().schedule(delay, () -> wake(entry));
    dispatch();
    return false;
  }

  /** The engine ends or the scope is lost: the head that would wait leaves instead. Lock held. */
  private boolean leave(LaneEntry entry) {
    boolean wanted = !closed && !entry.revoked && !stoppedScopes.contains(entry.raw.scope());
    forget(entry, Count.GIVEN_BACK);
    if (!entry.lane.entries.isEmpty()) {
      makeReady(entry.lane, false);
    }
    noteIntake();
    dispatch();
    if (wanted) {
      events.later(() -> settler.giveBack(entry.raw));
    }
    return false;
  }

  private void wake(LaneEntry entry) {
    lock.lock();
    try {
      Lane lane = entry.lane;
      if (lane.state == Lane.State.WAITING && lane.entries.peekFirst() == entry) {
        intake.waiting(-lane.entries.size());
        makeReady(lane, false);
        noteIntake();
      }
    } finally {
      lock.unlock();
    }
    events.deliver();
  }

  private boolean outage(LaneEntry entry, String reason) {
    lock.lock();
    try {
      if (route.outage(reason)) {
        events.route(true, reason);
      }
      running--;
      active.remove(entry);
      idle.signalAll();
      if (draining || closed || entry.revoked || stoppedScopes.contains(entry.raw.scope())) {
        return leave(entry);
      }
      makeReady(entry.lane, true);
      return false;
    } finally {
      lock.unlock();
    }
  }

  private boolean giveBack(LaneEntry entry) {
    List<LaneEntry> given = new ArrayList<>();
    lock.lock();
    try {
      if (givesBackInPlace && !draining && !closed) {
        route.succeeded();
        return holdLane(entry, GIVE_BACK_PAUSE);
      }
      running--;
      route.succeeded();
      // What stands behind it in its lane goes back too, else it would overtake.
      given.addAll(entry.lane.entries);
      boolean wanted = !closed && !entry.revoked;
      for (LaneEntry back : given) {
        forget(back, Count.GIVEN_BACK);
      }
      if (!wanted) {
        given.clear();
      }
      noteIntake();
      dispatch();
    } finally {
      lock.unlock();
    }
    given.forEach(back -> settler.giveBack(back.raw));
    return false;
  }

  private boolean park(LaneEntry entry, Verdict verdict) {
    WireMessage letter = entry.deadLetter;
    if (letter == null) {
      letter =
          DeadLetterHeaders.add(
              entry.raw.wire(),
              DeadLetterCause.of(entry, verdict.reason(), config, runtime.time()));
      entry.deadLetter = letter;
      entry.deadLetterCount = verdict.count();
    }
    try {
      deadLetters.publish(letter).whenComplete((confirmed, failure) -> parked(entry, failure));
    } catch (RuntimeException e) {
      parked(entry, e);
    }
    return false;
  }

  private void parked(LaneEntry entry, @Nullable Throwable failure) {
    if (failure != null) {
      log.warn(
          "dead letter of {} for {} not confirmed, the route waits: {}",
          entry.id(),
          config.group(),
          failure.toString());
      outage(entry, "dead-letter target");
    } else {
      finish(entry, entry.deadLetterCount);
      lock.lock();
      try {
        running--;
        Lane lane = entry.lane;
        if (!lane.entries.isEmpty() && lane.state == Lane.State.ACTIVE) {
          makeReady(lane, false);
        }
        dispatch();
      } finally {
        lock.unlock();
      }
    }
    events.deliver();
  }
}
