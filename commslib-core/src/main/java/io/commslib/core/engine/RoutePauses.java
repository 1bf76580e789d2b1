package io.commslib.core.engine;

import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Pauses and reopens the route from the intake to the handler: after outages, errors of the JVM and
 * dead-letter storms. Reports each change to the observer. Confined to {@link EngineState}'s lock.
 */
final class RoutePauses {

  private final Lanes lanes;
  private final CommsRuntime runtime;
  private final EngineEvents events;
  private final JvmFailureListener onJvmFailure;
  private final ConsumptionGate gate;
  private final MessageOutages messageOutages = new MessageOutages();
  private final @Nullable DeadLetterBreaker breaker;
  private final UnreadableWatch unreadable;

  RoutePauses(
      DeliveryEngineBuilder builder,
      CommsRuntime runtime,
      Lanes lanes,
      EngineEvents events,
      Consumer<ConsumptionGate.TimedPause> onPauseOver) {
    this.lanes = lanes;
    this.runtime = runtime;
    this.events = events;
    this.onJvmFailure = builder.onJvmFailure;
    this.gate = new ConsumptionGate(runtime, onPauseOver);
    this.unreadable = new UnreadableWatch(builder.maxUnreadable(), runtime);
    this.breaker = builder.config.deadLetterBreaker().map(DeadLetterBreaker::new).orElse(null);
  }

  int allowed(int workers) {
    return gate.allowed(workers);
  }

  boolean isPaused() {
    return gate.isPaused();
  }

  boolean isJvmFailure() {
    return gate.isJvmFailure();
  }

  String reason() {
    return gate.reason();
  }

  void pauseByUser() {
    gate.pauseByUser();
  }

  void resumeByUser() {
    gate.resumeByUser();
    messagePauseOver();
  }

  /** The message that stopped the route probes. */
  private void messagePauseOver() {
    if (gate.endMessagePause()) {
      unreadable.admitOne();
    }
  }

  void pauseForGate() {
    if (gate.pauseForGate()) {
      events.routePaused("gate closed");
    }
  }

  /** Pauses after an outage or an error of the JVM that no single record is suspected of. */
  void pause(AttemptOutcome why, boolean stopping) {
    pause(why, "", stopping);
  }

  private void pause(AttemptOutcome why, String suspect, boolean stopping) {
    if (why.kind() != AttemptOutcome.Kind.JVM_FAILURE) {
      if (gate.pauseForOutage(why.reason() + suspect)) {
        events.routePaused(why.reason());
      }
      return;
    }
    boolean before = gate.isJvmFailure() && gate.isPaused();
    if (gate.pauseForJvmFailure(why.reason()) && !before) {
      events.routePaused(why.reason());
    }
    if (!stopping) {
      Duration pause = gate.jvmPause();
      events.afterUnlock(() -> onJvmFailure.failed(why.reason(), pause));
    }
  }

  /** Pauses because a message waits here and no other may be handled before it. */
  void pauseForMessage(String reason, Duration duration) {
    if (gate.pauseForMessage(reason, duration)) {
      events.routePaused(reason);
    }
  }

  /** The messages that stopped the route have left the engine. */
  void messagesLeft() {
    gate.endMessagePause();
    openIfNothingToTry();
  }

  /** Counts an unreadable record; null if it may be dead-lettered, else the pause before that. */
  @Nullable Duration countUnreadable() {
    return unreadable.count(gate.isStoppedByMessage());
  }

  String unreadableReason() {
    return unreadable.reason();
  }

  /** A record could be read, so unreadable ones no longer stop the route. */
  void endUnreadableWatch() {
    unreadable.end();
    gate.endMessagePause();
  }

  /** Records an outage of one record. Returns whether another record should be tried next. */
  boolean recordOutage(LaneEntry entry, AttemptOutcome why) {
    return messageOutages.recordOutage(entry, why);
  }

  /** Pauses after {@link #recordOutage}. */
  void pauseAfterOutage(LaneEntry entry, AttemptOutcome why, boolean repeated, boolean stopping) {
    pause(why, repeated ? MessageOutages.repetitionText(entry) : "", stopping);
  }

  /** Pauses after an outage of several records, of which none can be suspected. */
  void pauseAfterSharedOutage(AttemptOutcome why, boolean stopping) {
    messageOutages.recordSharedOutage();
    pause(why, stopping);
  }

  /** A timed pause is over. */
  void endPause(ConsumptionGate.TimedPause pause) {
    if (pause == ConsumptionGate.TimedPause.MESSAGE) {
      messagePauseOver();
    } else {
      gate.endPause(pause);
    }
    openIfNothingToTry();
  }

  /** Opens the route if there is no record that could probe. */
  void openIfNothingToTry() {
    if (lanes.size() == 0 && gate.endProbingUntried()) {
      events.routeResumed();
    }
  }

  /** Opens the route, because a record has an outcome. Returns true if it was paused until now. */
  boolean openAfter(LaneEntry entry, Count count) {
    // A record that is only counted as failed has not reached its handler just now.
    if (MessageOutages.countsAsAttempt(entry) || !gate.endProbing()) {
      return false;
    }
    events.routeResumed();
    LaneEntry failed = messageOutages.resolveSuspect(entry, count);
    if (failed != null) {
      // Its outcome is known, so it does not delay other records.
      lanes.moveToFront(failed);
    }
    return true;
  }

  /** A record is about to be settled: this opens the route, unless it proves nothing. */
  void recordSettled(LaneEntry entry, Count count) {
    if (gate.isStorm() && count == Count.DEAD_LETTERED) {
      // This message failed on its own; it says nothing about the cause of the storm.
      gate.pauseForStorm(gate.reason());
    } else if (openAfter(entry, count) && breaker != null) {
      breaker.reset();
    }
  }

  /** A record has failed and waits for a retry: this opens the route, unless it proves nothing. */
  void recordFailedAttempt(LaneEntry entry) {
    if (gate.isStorm()) {
      gate.pauseForStorm(gate.reason());
    } else {
      openAfter(entry, Count.WAITING);
    }
  }

  /** Gives the breaker the number of settled records, which it compares dead letters with. */
  void sampleSettled(long settled) {
    if (breaker != null) {
      breaker.sampleSettled(settled, runtime.time().nanoTime());
    }
  }

  /**
   * Counts a record about to be dead-lettered. If it belongs to a dead-letter storm, pauses the
   * route and returns true.
   */
  boolean pauseForStorm(String cause, @Nullable String key, long settled) {
    if (breaker == null
        || (!gate.isStorm()
            && !breaker.countDeadLetter(cause, key, settled, runtime.time().nanoTime()))) {
      return false;
    }
    String reason = "dead-letter storm: " + cause;
    if (gate.pauseForStorm(reason)) {
      events.routePaused(reason);
    }
    return true;
  }

  void close() {
    gate.close();
  }
}
