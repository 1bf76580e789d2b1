package io.commslib.core.engine;

import io.commslib.core.Failures;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CallbackQueue;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Buffers the calls that must not happen under the engine's lock. Calls to the adapter are queued
 * under the lock and made by {@link #deliver} after it is released. Calls to the observer go to a
 * thread of their own. Thread-safe.
 */
final class EngineEvents {

  private static final Logger log = LoggerFactory.getLogger(DeliveryEngine.class);

  private final SubscriptionConfig config;
  private final CommsObserver observer;
  private final Runnable onIntakeOpen;
  private final String component;
  private final CallbackQueue callbacks;
  private final Queue<Runnable> deferredCalls = new ConcurrentLinkedQueue<>();
  private final boolean observesDeliveries;

  EngineEvents(DeliveryEngineBuilder builder, CommsRuntime runtime) {
    this.config = builder.config;
    this.observer = builder.observer;
    this.onIntakeOpen = builder.onIntakeOpen;
    this.component = builder.name();
    this.callbacks = new CallbackQueue(runtime, component + "-observer");
    this.observesDeliveries = observer != CommsObserver.none() && asksForDeliveries(observer);
  }

  private static boolean asksForDeliveries(CommsObserver observer) {
    try {
      return observer.observesDeliveries();
    } catch (Throwable e) {
      log.error("an observer failed: {}", Failures.text(e));
      return false;
    }
  }

  void settled(LaneEntry entry, Count count, TimeSource time) {
    if (observesDeliveries) {
      Duration age = Duration.ofNanos(time.nanoTime() - entry.receivedNanos);
      int attempts = entry.handlerRuns;
      callbacks.add(
          () ->
              observer.onSettled(
                  config.destination(), config.group(), count, entry.id(), attempts, age));
    }
  }

  void retry(LaneEntry entry, Duration delay) {
    int attempt = entry.handlerRuns;
    if (observesDeliveries) {
      callbacks.add(
          () -> observer.onRetry(config.destination(), config.group(), entry.id(), attempt, delay));
    }
    if (entry.failedAttempts() == 1) {
      LaneEntry.History history = entry.history();
      trouble(
          Trouble.Kind.ATTEMPT_FAILED,
          entry,
          history.lastFailure,
          "next attempt in " + delay,
          attempt);
    }
  }

  void deadLettered(LaneEntry entry) {
    LaneEntry.History history = entry.history();
    Trouble.Kind kind =
        history.deadLetterCount == Count.BLOCKED
            ? Trouble.Kind.KEY_BLOCKED
            : Trouble.Kind.DEAD_LETTERED;
    trouble(kind, entry, history.lastFailure, history.deadLetterReason, entry.handlerRuns);
  }

  void stalled(LaneEntry entry, @Nullable Throwable failure, String text) {
    trouble(Trouble.Kind.STALLED, entry, failure, text, entry.handlerRuns);
  }

  private void trouble(
      Trouble.Kind kind, LaneEntry entry, @Nullable Throwable failure, String text, int attempt) {
    if (observer == CommsObserver.none()) {
      return;
    }
    callbacks.add(
        () ->
            observer.onTrouble(
                Trouble.builder(kind, component)
                    .destination(config.destination().toString())
                    .group(config.group())
                    .message(entry.message == null ? entry.id() : entry.message.identity())
                    .attempt(attempt)
                    .text(text)
                    .failure(failure)
                    .build()));
  }

  void trouble(Trouble.Kind kind, String text, @Nullable Throwable failure) {
    if (observer == CommsObserver.none()) {
      return;
    }
    callbacks.add(
        () ->
            observer.onTrouble(
                Trouble.builder(kind, component)
                    .destination(config.destination().toString())
                    .group(config.group())
                    .text(text)
                    .failure(failure)
                    .build()));
  }

  void overrun(Execution execution) {
    String id = execution.entry().id();
    callbacks.add(() -> observer.onHandlerOverrun(config.destination(), config.group(), id));
    trouble(
        Trouble.Kind.STALLED,
        "the handler of "
            + execution.entry().shownId()
            + " overran its deadline of "
            + config.handlerDeadline(),
        null);
  }

  void stuck(String text) {
    trouble(Trouble.Kind.STALLED, text, null);
  }

  /** A component of the engine, or a call whose failure has no other effect, has failed. */
  void componentFailed(String text, Throwable failure) {
    trouble(Trouble.Kind.COMPONENT_FAILED, text, failure);
  }

  void routePaused(String reason) {
    callbacks.add(() -> observer.onRoutePaused(config.destination(), config.group(), true, reason));
    trouble(Trouble.Kind.PAUSED, reason, null);
  }

  void routeResumed() {
    callbacks.add(() -> observer.onRoutePaused(config.destination(), config.group(), false, ""));
    trouble(Trouble.Kind.RESUMED, "", null);
  }

  void intakeChanged(boolean paused) {
    callbacks.add(() -> observer.onIntakePaused(config.destination(), config.group(), paused));
    if (!paused) {
      deferredCalls.add(onIntakeOpen);
    }
  }

  boolean observesDeliveries() {
    return observesDeliveries;
  }

  void ledger(SubscriptionSnapshot ledger) {
    callbacks.add(() -> observer.onLedger(config.destination(), config.group(), ledger));
  }

  /** Queues a call to the adapter. */
  void afterUnlock(Runnable call) {
    deferredCalls.add(call);
  }

  /** Makes the queued calls. Called without the lock. */
  void deliver() {
    for (Runnable call = deferredCalls.poll(); call != null; call = deferredCalls.poll()) {
      try {
        call.run();
      } catch (Throwable e) {
        componentFailed("a call to the transport", e);
      }
    }
  }

  /** The trouble of the observer or the log; empty if there is none. */
  String trouble() {
    return callbacks.trouble();
  }

  void close() {
    callbacks.close();
  }
}
