package io.commslib.core.engine;

import io.commslib.core.Failures;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.ObjIntConsumer;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * The unsettled records of an engine, how many there were of each outcome, and the transitions of
 * one record. A record whose scope is lost, or any record of an engine that stops, leaves at its
 * next transition instead of waiting. Confined to {@link EngineState}'s lock.
 */
final class UnsettledRecords {

  /** Settled messages between two samples for the dead-letter breaker. */
  private static final int SETTLED_PER_SAMPLE = 64;

  /**
   * Pause before another publish of a dead letter that its target refuses in every form, and before
   * another attempt on a record that waits because there are no dead letters.
   */
  private static final Backoff REFUSAL_BACKOFF =
      Backoff.exponential(Duration.ofSeconds(10), Duration.ofMinutes(10)).withoutJitter();

  private static final int MAX_REFUSALS = 30;

  private final CommsRuntime runtime;
  private final Settler settler;
  private final EngineEvents events;
  private final IntakeBounds intake;
  private final Lanes lanes;
  private final RoutePauses route;
  private final StopFlags stop;
  private final ObjIntConsumer<LaneEntry> onWaitOver;
  private final long[] counts = new long[Count.values().length];

  /** Scopes that are stopped and not yet revoked, by identity. */
  private final Set<Object> stoppedScopes = Collections.newSetFromMap(new IdentityHashMap<>());

  /** Records that have left the engine. */
  private long settled;

  /** Records that wait here because the dead-letter target refuses them in every form. */
  private int keptDeadLetters;

  private final WithoutDeadLetters withoutDeadLetters;

  /** Records that have stopped the route. */
  private int routeStoppers;

  /** With the callback for the end of a wait, which gets the record and its activation. */
  UnsettledRecords(
      DeliveryEngineBuilder builder,
      EngineEvents events,
      IntakeBounds intake,
      Lanes lanes,
      RoutePauses route,
      StopFlags stop,
      ObjIntConsumer<LaneEntry> onWaitOver) {
    this.runtime = Objects.requireNonNull(builder.runtime);
    this.settler = Objects.requireNonNull(builder.settler);
    this.events = events;
    this.intake = intake;
    this.lanes = lanes;
    this.route = route;
    this.stop = stop;
    this.onWaitOver = onWaitOver;
    this.withoutDeadLetters = new WithoutDeadLetters(lanes);
  }

  /** Whether records of this scope are neither taken nor given back. */
  boolean isForgotten(Object scope) {
    return stop.isClosed() || isStopped(scope);
  }

  private boolean isStopped(Object scope) {
    return !stoppedScopes.isEmpty() && stoppedScopes.contains(scope);
  }

  void add(RawDelivery delivery) {
    lanes.add(delivery, runtime.time().nanoTime());
    // Last, so that a record that could not be added is not counted.
    counts[Count.RECEIVED.ordinal()]++;
  }

  /** Counts a record that is not taken. */
  void countRefused() {
    counts[Count.RECEIVED.ordinal()]++;
    counts[Count.GIVEN_BACK.ordinal()]++;
  }

  void stopScope(Object scope) {
    stoppedScopes.add(scope);
    removeIdle(entry -> entry.raw.scope() == scope);
    // Otherwise an adapter that waits for the route would wait for a probe that can't come.
    route.openIfNothingToTry();
  }

  void revokeScope(Object scope) {
    for (LaneEntry entry : lanes.active()) {
      entry.revoked |= entry.raw.scope() == scope;
    }
    stoppedScopes.remove(scope);
  }

  void revokeAll() {
    removeIdle(entry -> true);
    lanes.active().forEach(entry -> entry.revoked = true);
  }

  /** Removes all matching records that are not active, oldest first, and counts them. */
  List<LaneEntry> removeIdle(Predicate<LaneEntry> matching) {
    List<LaneEntry> removed = new ArrayList<>();
    LaneEntry next = lanes.oldest();
    while (next != null) {
      LaneEntry entry = next;
      next = entry.younger;
      if (entry.state != LaneEntry.State.ACTIVE && matching.test(entry)) {
        removed.add(entry);
        remove(entry, Count.GIVEN_BACK, false);
      }
    }
    return removed;
  }

  /** Removes a record and those behind it; returns those to give back to the broker. */
  List<LaneEntry> removeWithFollowers(LaneEntry entry) {
    boolean settles = !stop.isClosed() && !entry.revoked;
    List<LaneEntry> given = new ArrayList<>();
    LaneEntry next = entry;
    while (next != null) {
      LaneEntry back = next;
      next = back.nextInLane;
      remove(back, Count.GIVEN_BACK, false);
      if (settles) {
        given.add(back);
      }
    }
    return given;
  }

  /** Removes a record that has its final outcome. */
  void settle(LaneEntry entry, Count count, boolean sameLaneFirst) {
    route.recordSettled(entry, count);
    remove(entry, entry.revoked ? Count.GIVEN_BACK : count, sameLaneFirst);
    if (MessageOutages.countsAsAttempt(entry)) {
      route.openIfNothingToTry();
    }
  }

  private void remove(LaneEntry entry, Count count, boolean sameLaneFirst) {
    lanes.remove(entry, sameLaneFirst);
    counts[count.ordinal()]++;
    settled++;
    LaneEntry.History history = entry.history;
    if (history != null) {
      forget(history);
    }
    if (settled % SETTLED_PER_SAMPLE == 0) {
      route.sampleSettled(settled);
    }
    events.settled(entry, count, runtime.time());
  }

  private void forget(LaneEntry.History history) {
    if (history.deadLetterRefusals > 0) {
      keptDeadLetters--;
    }
    withoutDeadLetters.remove(history);
    if (history.stopsRoute && --routeStoppers == 0) {
      route.messagesLeft();
    }
  }

  /** Puts a record back, uncounted. */
  void makeReady(LaneEntry entry, boolean first) {
    if (isLeaving(entry)) {
      leave(entry);
    } else {
      lanes.makeReady(entry, first);
    }
  }

  /**
   * Puts the records of a batch back, youngest first, so that the oldest of each key becomes its
   * head. Those that leave are given back oldest first, which is the order in which the broker
   * redelivers them.
   */
  void returnToLanes(List<LaneEntry> youngestFirst) {
    List<LaneEntry> leaving = new ArrayList<>();
    for (LaneEntry entry : youngestFirst) {
      if (isLeaving(entry)) {
        leaving.add(entry);
      } else {
        lanes.returnToLane(entry);
      }
    }
    Collections.reverse(leaving);
    leaving.forEach(this::leave);
  }

  /**
   * Puts back what an ended worker had. A record with an outcome is acknowledged already and is
   * removed.
   */
  void returnFromFailedWorker(WorkerAccount worker) {
    List<LaneEntry> taken = worker.taken();
    AttemptOutcome outcome = worker.outcome;
    for (int i = taken.size() - 1; i >= 0; i--) {
      LaneEntry entry = taken.get(i);
      if (!isActive(entry)) {
        continue;
      }
      if (outcome != null) {
        remove(entry, entry.revoked ? Count.GIVEN_BACK : outcome.count(), false);
      } else if (isLeaving(entry)) {
        leave(entry);
      } else if (taken.size() > 1) {
        entry.mustRunAlone = true;
        lanes.returnToLane(entry);
      } else {
        lanes.makeReady(entry, true);
      }
    }
  }

  /** The record was not handled because a dependency or this process fails. */
  void returnAfterOutage(LaneEntry entry, AttemptOutcome why) {
    boolean repeated = route.recordOutage(entry, why);
    // First: even if the pause can't be scheduled, the record does not stay with an ended worker.
    // Behind the others after some outages, so that the next probe is another record.
    makeReady(entry, !repeated);
    route.pauseAfterOutage(entry, why, repeated, stop.isStopping());
  }

  /** The dead letter of the record could not be published. */
  void returnUnpublished(LaneEntry entry, Throwable failure) {
    if (Failures.isJvmFailure(failure)) {
      returnAfterOutage(entry, AttemptOutcome.jvmFailure(Failures.text(failure)));
    } else if (Failures.isPermanent(failure)) {
      keepRefused(entry, failure);
    } else {
      // The handler did not run, so this outage never counts as a failed attempt.
      entry.history().lastOutage = null;
      String text = Failures.text(Failures.unwrapped(failure));
      returnAfterOutage(entry, AttemptOutcome.outage("dead-letter target: " + text));
    }
  }

  /** If the record belongs to a dead-letter storm, puts it back uncounted and returns true. */
  boolean keepForStorm(LaneEntry entry, String cause) {
    String key = entry.lane == null ? null : entry.lane.key;
    if (!route.pauseForStorm(cause, key, settled)) {
      return false;
    }
    LaneEntry.History history = entry.history();
    history.stormProbes++;
    history.failedAttempts = Math.max(0, history.failedAttempts - 1);
    // Behind the others, so that the next probe is another message.
    makeReady(entry, false);
    return true;
  }

  /**
   * Counts an unreadable record. If the subscription has read nothing yet and too many records were
   * unreadable, puts this one back, pauses the route and returns true.
   */
  boolean keepUnreadable(LaneEntry entry) {
    Duration pause = route.countUnreadable();
    if (pause == null) {
      entry.history().passedUnreadableWatch = true;
      return false;
    }
    entry.mustRunAlone = true;
    boolean leaves = isLeaving(entry);
    makeReady(entry, true);
    if (!leaves) {
      stopRoute(entry, route.unreadableReason(), pause);
    }
    return true;
  }

  /**
   * There are no dead letters, so the record waits here for another attempt. Its key waits behind
   * it. A record without key pauses the route for as long. It is then behind the others, so that
   * they are handled between its attempts and each of several such records gets its turn.
   */
  void waitWithoutDeadLetters(LaneEntry entry, String reason) {
    Duration pause = refusalPause(withoutDeadLetters.add(entry, reason));
    if (entry.lane != null) {
      waitForRetry(entry, pause);
    } else {
      boolean leaves = isLeaving(entry);
      startWaiting(entry, pause);
      if (!leaves) {
        stopRoute(entry, WithoutDeadLetters.text(entry), pause);
      }
    }
    events.stalled(
        entry,
        entry.history().lastFailure,
        reason
            + "; there are no dead letters, so "
            + (entry.lane == null ? "the route" : "its key")
            + " waits, next try in "
            + pause);
  }

  private void stopRoute(LaneEntry entry, String reason, Duration pause) {
    LaneEntry.History history = entry.history();
    if (!history.stopsRoute) {
      history.stopsRoute = true;
      routeStoppers++;
    }
    route.pauseForMessage(reason, pause);
  }

  /** Tries the records again that wait because there are no dead letters. */
  void tryWithoutDeadLetters() {
    withoutDeadLetters.tryAll();
  }

  /** The first record that waits because there are no dead letters; empty if there is none. */
  String withoutDeadLetters() {
    return withoutDeadLetters.text();
  }

  /**
   * The target refuses this dead letter, most likely for its size. A smaller form is tried
   * immediately. After the smallest one the record waits here with its key, so that it is not lost
   * and blocks no other key.
   */
  private void keepRefused(LaneEntry entry, Throwable failure) {
    LaneEntry.History history = entry.history();
    if (DeadLetterForms.useSmallerForm(history)) {
      makeReady(entry, true);
      return;
    }
    if (history.deadLetterRefusals == 0) {
      keptDeadLetters++;
    }
    Duration pause = refusalPause(++history.deadLetterRefusals);
    startWaiting(entry, pause);
    events.stalled(
        entry, failure, "the dead-letter target refuses it; it waits here, next try in " + pause);
  }

  private Duration refusalPause(int times) {
    return REFUSAL_BACKOFF.next(Math.min(MAX_REFUSALS, times), runtime.random());
  }

  /** The record has failed on its own, which is no outage. */
  void waitForRetry(LaneEntry entry, Duration delay) {
    route.recordFailedAttempt(entry);
    startWaiting(entry, delay);
  }

  void startWaiting(LaneEntry entry, Duration delay) {
    if (isLeaving(entry)) {
      leave(entry);
      return;
    }
    // The timer comes first: a record that waits without one would wait indefinitely.
    int activation = entry.activation;
    runtime.scheduler().schedule(delay, () -> onWaitOver.accept(entry, activation));
    lanes.startWaiting(entry);
  }

  void endWaiting(LaneEntry entry, int activation) {
    if (entry.activation == activation) {
      lanes.endWaiting(entry);
    }
  }

  boolean isLeaving(LaneEntry entry) {
    return stop.isStopping() || entry.revoked || isStopped(entry.raw.scope());
  }

  private void leave(LaneEntry entry) {
    boolean settles = !stop.isClosed() && !entry.revoked && !isStopped(entry.raw.scope());
    remove(entry, Count.GIVEN_BACK, false);
    if (settles) {
      events.afterUnlock(() -> settler.giveBack(entry.raw));
    }
  }

  boolean isActive(LaneEntry entry) {
    return entry.state == LaneEntry.State.ACTIVE;
  }

  boolean hasActive(Predicate<LaneEntry> matching) {
    return lanes.active().stream().anyMatch(matching);
  }

  /** The active records, each with its activation. */
  List<Watchdog.ActiveRecord> activeRecords() {
    List<Watchdog.ActiveRecord> records = new ArrayList<>(lanes.active().size());
    for (LaneEntry entry : lanes.active()) {
      records.add(new Watchdog.ActiveRecord(entry, entry.activation));
    }
    return records;
  }

  boolean isEmpty() {
    return lanes.size() == 0;
  }

  int keptDeadLetters() {
    return keptDeadLetters;
  }

  SubscriptionSnapshot snapshot(int stuckHandlers) {
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
        stuckHandlers,
        lanes.laneCount());
  }

  private Duration age(@Nullable LaneEntry entry) {
    return entry == null
        ? Duration.ZERO
        : Duration.ofNanos(runtime.time().nanoTime() - entry.receivedNanos);
  }
}
