package io.commslib.core.engine;

import io.commslib.core.Health;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.Trouble;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The broker-neutral half of a subscription: everything that happens to a record between taking it
 * from the broker and settling it. Adapters feed it with {@link #accept} and learn the outcome
 * through {@link Settler}; whatever can fail on a received message fails in here, so that no path
 * acknowledges silently.
 *
 * <p>Records of one key form a lane: one at a time, in order of acceptance. A lane whose head waits
 * for a retry holds only itself. Records without key have no lane. Thread-safe. Starts worker
 * threads named {@code commslib-<transport>-<group>-<n>}.
 */
public final class DeliveryEngine implements AutoCloseable {

  private final SubscriptionConfig config;
  private final Settler settler;
  private final EngineState books;

  DeliveryEngine(DeliveryEngineBuilder builder) {
    this.config = builder.config;
    this.settler = Objects.requireNonNull(builder.settler);
    this.books = new EngineState(builder);
    books.runWorkersWith(new WorkerLoop(builder, books)::run);
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
    books.lock.lock();
    try {
      refused = books.take(delivery);
      books.noteIntake();
      books.dispatch();
    } finally {
      books.lock.unlock();
    }
    if (refused) {
      settler.giveBack(delivery);
    }
    books.flush();
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
    books.lock.lock();
    try {
      while (taken < deliveries.size()
          && books.intake.isOpen()
          && !books.draining
          && !books.closed) {
        RawDelivery delivery = deliveries.get(taken++);
        if (books.take(delivery)) {
          refused = refused == null ? new ArrayList<>() : refused;
          refused.add(delivery);
        }
        books.noteIntake();
      }
      books.dispatch();
    } finally {
      books.lock.unlock();
    }
    if (refused != null) {
      refused.forEach(settler::giveBack);
    }
    books.flush();
    return taken;
  }

  /**
   * Returns whether the adapter may take more from the broker: in-flight count and bytes are below
   * their bounds (with hysteresis: after closing, below 70 %), and waiting records below half of
   * the count.
   *
   * @return true to go on
   */
  public boolean isIntakeOpen() {
    return books.intakeOpen;
  }

  /**
   * Starts no more handlers for a scope that is about to be lost; its records that have not started
   * are forgotten without settlement and count as given back. Running ones go on and are still
   * settled until {@link #revoke}. Idempotent.
   *
   * @param scope as in {@link RawDelivery#scope()}
   */
  public void stopScope(Object scope) {
    books.change(
        () -> {
          books.stoppedScopes.add(scope);
          books.removeIdle(entry -> entry.raw.scope() == scope);
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
    return books.await(
        timeout,
        () -> books.lanes.active().stream().noneMatch(entry -> entry.raw.scope() == scope));
  }

  /**
   * Forgets a scope that is lost: includes {@link #stopScope}; handlers of it that still run are
   * not settled when they end. Idempotent.
   *
   * @param scope as in {@link RawDelivery#scope()}
   */
  public void revoke(Object scope) {
    stopScope(scope);
    books.change(
        () -> {
          for (LaneEntry entry : books.lanes.active()) {
            entry.revoked |= entry.raw.scope() == scope;
          }
          books.stoppedScopes.remove(scope);
        });
  }

  /** Starts no more handlers until {@link #resume()}. Idempotent. */
  public void pause() {
    books.change(books.route::pauseByUser);
  }

  /** Ends {@link #pause()}. Idempotent. */
  public void resume() {
    books.change(books.route::resumeByUser);
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
    books.change(
        () -> {
          books.draining = true;
          if (!books.closed) {
            returned.addAll(books.removeIdle(entry -> true));
          }
        });
    returned.forEach(entry -> settler.giveBack(entry.raw));
    return books.await(timeout, () -> books.lanes.active().isEmpty());
  }

  /**
   * Ends the engine: interrupts running handlers, whose records are not settled any more.
   * Idempotent; does not wait.
   */
  @Override
  public void close() {
    books.change(
        () -> {
          if (!books.closed) {
            books.closed = true;
            books.removeIdle(entry -> true);
            books.lanes.active().forEach(entry -> entry.revoked = true);
            books.route.close();
            books.idle.signalAll();
          }
        });
    books.workers.close();
    books.events.close();
  }

  /**
   * Returns the conservation ledger now.
   *
   * @return a consistent snapshot
   */
  public SubscriptionSnapshot snapshot() {
    return books.snapshot();
  }

  /**
   * Tells the observer of something that the adapter has seen. Any thread; returns at once.
   *
   * @param kind what happened
   * @param text what happened, in words, without content of messages
   */
  public void report(Trouble.Kind kind, String text) {
    books.events.trouble(kind, text, null);
  }

  /**
   * Returns the health of the handlers' side; the adapter adds its connection's.
   *
   * @return down beyond {@link SubscriptionConfig#maxStuckHandlers()}, while an error of the JVM
   *     stops the route and while the gate does not return; degraded while an outage pauses the
   *     route, a worker is stuck, a dead letter waits here since its target refuses it, or the
   *     observer does not return
   */
  public Health health() {
    SubscriptionSnapshot now = snapshot();
    Map<String, String> details = new HashMap<>();
    details.put("oldestInFlight", now.oldestInFlight().toString());
    details.put("inFlight", Long.toString(now.count(Count.IN_FLIGHT) + now.count(Count.WAITING)));
    details.put("stuckHandlers", Integer.toString(now.stuckHandlers()));
    details.put("workers", Integer.toString(books.running()));
    if (books.closed) {
      return Health.of(Health.Status.DOWN, "closed", details);
    }
    if (now.stuckHandlers() > config.maxStuckHandlers()) {
      return Health.of(
          Health.Status.DOWN,
          now.stuckHandlers() + " workers are stuck, the first: " + books.watchdog.firstStuck(),
          details);
    }
    if (now.isRoutePaused() && books.route.isMachineFailed()) {
      return Health.of(Health.Status.DOWN, "stopped: " + books.route.reason(), details);
    }
    if (books.gateHangs()) {
      return Health.of(Health.Status.DOWN, "the gate has not returned", details);
    }
    String reason = trouble(now);
    return Health.of(reason.isEmpty() ? Health.Status.UP : Health.Status.DEGRADED, reason, details);
  }

  private String trouble(SubscriptionSnapshot now) {
    if (now.isRoutePaused()) {
      return "paused: " + books.route.reason();
    }
    if (now.stuckHandlers() > 0) {
      return "stuck: " + books.watchdog.firstStuck();
    }
    int letters = books.keptLetters();
    return letters > 0
        ? "the dead-letter target refuses messages, which wait here: "
            + letters
            + (now.isIntakePaused() ? "; the intake is paused, since its bounds are reached" : "")
        : books.events.trouble();
  }
}
