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
  private final EngineState state;

  DeliveryEngine(DeliveryEngineBuilder builder) {
    this.config = builder.config;
    this.settler = Objects.requireNonNull(builder.settler);
    this.state = new EngineState(builder);
    state.runWorkersWith(new WorkerLoop(builder, state)::run);
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
    state.lock.lock();
    try {
      refused = state.take(delivery);
      state.noteIntake();
      state.dispatch();
    } finally {
      state.lock.unlock();
    }
    if (refused) {
      settler.giveBack(delivery);
    }
    state.flush();
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
    state.lock.lock();
    try {
      while (taken < deliveries.size()
          && state.intake.isOpen()
          && !state.draining
          && !state.closed) {
        RawDelivery delivery = deliveries.get(taken++);
        if (state.take(delivery)) {
          refused = refused == null ? new ArrayList<>() : refused;
          refused.add(delivery);
        }
        state.noteIntake();
      }
      state.dispatch();
    } finally {
      state.lock.unlock();
    }
    if (refused != null) {
      refused.forEach(settler::giveBack);
    }
    state.flush();
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
    return state.intakeOpen;
  }

  /**
   * Starts no more handlers for a scope that is about to be lost; its records that have not started
   * are forgotten without settlement and count as given back. Running ones go on and are still
   * settled until {@link #revoke}. Idempotent.
   *
   * @param scope as in {@link RawDelivery#scope()}
   */
  public void stopScope(Object scope) {
    state.change(
        () -> {
          state.stoppedScopes.add(scope);
          state.removeIdle(entry -> entry.raw.scope() == scope);
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
    return state.await(
        timeout,
        () -> state.lanes.active().stream().noneMatch(entry -> entry.raw.scope() == scope));
  }

  /**
   * Forgets a scope that is lost: includes {@link #stopScope}; handlers of it that still run are
   * not settled when they end. Idempotent.
   *
   * @param scope as in {@link RawDelivery#scope()}
   */
  public void revoke(Object scope) {
    stopScope(scope);
    state.change(
        () -> {
          for (LaneEntry entry : state.lanes.active()) {
            entry.revoked |= entry.raw.scope() == scope;
          }
          state.stoppedScopes.remove(scope);
        });
  }

  /** Starts no more handlers until {@link #resume()}. Idempotent. */
  public void pause() {
    state.change(state.route::pauseByUser);
  }

  /** Ends {@link #pause()}. Idempotent. */
  public void resume() {
    state.change(state.route::resumeByUser);
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
    state.change(
        () -> {
          state.draining = true;
          if (!state.closed) {
            returned.addAll(state.removeIdle(entry -> true));
          }
        });
    returned.forEach(entry -> settler.giveBack(entry.raw));
    return state.await(timeout, () -> state.lanes.active().isEmpty());
  }

  /**
   * Ends the engine: interrupts running handlers, whose records are not settled any more.
   * Idempotent; does not wait.
   */
  @Override
  public void close() {
    state.change(
        () -> {
          if (!state.closed) {
            state.closed = true;
            state.removeIdle(entry -> true);
            state.lanes.active().forEach(entry -> entry.revoked = true);
            state.route.close();
            state.idle.signalAll();
          }
        });
    state.workers.close();
    state.events.close();
  }

  /**
   * Returns the conservation ledger now.
   *
   * @return a consistent snapshot
   */
  public SubscriptionSnapshot snapshot() {
    return state.snapshot();
  }

  /**
   * Tells the observer of something that the adapter has seen. Any thread; returns at once.
   *
   * @param kind what happened
   * @param text what happened, in words, without content of messages
   */
  public void report(Trouble.Kind kind, String text) {
    state.events.trouble(kind, text, null);
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
    details.put("workers", Integer.toString(state.running()));
    if (state.closed) {
      return Health.of(Health.Status.DOWN, "closed", details);
    }
    if (now.stuckHandlers() > config.maxStuckHandlers()) {
      return Health.of(
          Health.Status.DOWN,
          now.stuckHandlers() + " workers are stuck, the first: " + state.watchdog.firstStuck(),
          details);
    }
    if (now.isRoutePaused() && state.route.isJvmFailure()) {
      return Health.of(Health.Status.DOWN, "stopped: " + state.route.reason(), details);
    }
    if (state.gateHangs()) {
      return Health.of(Health.Status.DOWN, "the gate has not returned", details);
    }
    String reason = trouble(now);
    return Health.of(reason.isEmpty() ? Health.Status.UP : Health.Status.DEGRADED, reason, details);
  }

  private String trouble(SubscriptionSnapshot now) {
    if (now.isRoutePaused()) {
      return "paused: " + state.route.reason();
    }
    if (now.stuckHandlers() > 0) {
      return "stuck: " + state.watchdog.firstStuck();
    }
    int letters = state.keptLetters();
    return letters > 0
        ? "the dead-letter target refuses messages, which wait here: "
            + letters
            + (now.isIntakePaused() ? "; the intake is paused, since its bounds are reached" : "")
        : state.events.trouble();
  }
}
