package io.commslib.core.spi;

import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Collects what the observer is to be told while the engine's lock is held, and tells it
 * afterwards.
 */
final class EngineEvents {

  private static final Logger log = LoggerFactory.getLogger(EngineEvents.class);

  private final SubscriptionConfig config;
  private final CommsObserver observer;
  private final Runnable onIntakeOpen;
  private final Queue<Runnable> pending = new ConcurrentLinkedQueue<>();
  private final boolean silent;

  EngineEvents(SubscriptionConfig config, CommsObserver observer, Runnable onIntakeOpen) {
    this.config = config;
    this.observer = observer;
    this.onIntakeOpen = onIntakeOpen;
    this.silent = observer == CommsObserver.none();
  }

  void settled(LaneEntry entry, Count count, TimeSource time) {
    if (!silent) {
      Duration age = Duration.ofNanos(time.nanoTime() - entry.receivedNanos);
      pending.add(
          () ->
              observer.onSettled(
                  config.destination(), config.group(), count, entry.id(), entry.attempts, age));
    }
  }

  void retry(LaneEntry entry, Duration delay) {
    if (!silent) {
      int attempt = entry.attempts;
      pending.add(
          () -> observer.onRetry(config.destination(), config.group(), entry.id(), attempt, delay));
    }
  }

  void overrun(String messageId) {
    log.warn(
        "handler of {} for {} overran its deadline of {}",
        messageId,
        config.group(),
        config.handlerDeadline());
    pending.add(() -> observer.onHandlerOverrun(config.destination(), config.group(), messageId));
    deliver();
  }

  void route(boolean paused, String reason) {
    if (paused) {
      log.warn("{} for {} pauses: {}", config.destination(), config.group(), reason);
    } else {
      log.info("{} for {} goes on", config.destination(), config.group());
    }
    pending.add(() -> observer.onRoutePaused(config.destination(), config.group(), paused, reason));
  }

  void intake(boolean paused) {
    pending.add(() -> observer.onIntakePaused(config.destination(), config.group(), paused));
    if (!paused) {
      pending.add(onIntakeOpen);
    }
  }

  boolean isSilent() {
    return silent;
  }

  void ledger(SubscriptionSnapshot ledger) {
    pending.add(() -> observer.onLedger(config.destination(), config.group(), ledger));
  }

  /** Does something else that must not happen under the lock. */
  void later(Runnable call) {
    pending.add(call);
  }

  /** Tells what has been collected. Called without the lock. */
  void deliver() {
    for (Runnable event = pending.poll(); event != null; event = pending.poll()) {
      try {
        event.run();
      } catch (RuntimeException e) {
        log.error("observer failed", e);
      }
    }
  }
}
