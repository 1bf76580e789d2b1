package io.commslib.core.engine;

import io.commslib.core.Health;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.Trouble;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * The broker-neutral half of a subscription: everything that happens to a record between taking it
 * from the broker and settling it. Adapters feed it with {@link #accept} and learn the outcome
 * through {@link Settler}. Whatever can fail on a received message fails in here, so that no path
 * acknowledges silently.
 *
 * <p>Records of one key form a lane: they are handled one at a time, in order of acceptance. A lane
 * whose head waits for a retry delays only itself. Records without key have no lane. Thread-safe.
 * Starts worker threads named {@code commslib-<transport>-<group>-<n>}.
 */
public final class DeliveryEngine implements AutoCloseable {

  // The design of the engine is described in EngineState.

  private final SubscriptionConfig config;
  private final EngineEvents events;
  private final GateCheck gate;
  private final EngineState state;

  DeliveryEngine(DeliveryEngineBuilder builder) {
    CommsRuntime runtime = Objects.requireNonNull(builder.runtime);
    this.config = builder.config;
    this.events = new EngineEvents(builder, runtime);
    this.gate = new GateCheck(config, runtime.time(), events);
    this.state = new EngineState(builder, events);
    state.runWorkersWith(new WorkerLoop(builder, state, events, gate)::run);
  }

  /**
   * Starts an engine's configuration.
   *
   * @param config the subscription's configuration
   * @param handler handles its messages
   * @return new builder
   */
  public static DeliveryEngineBuilder builder(SubscriptionConfig config, MessageHandler handler) {
    return new DeliveryEngineBuilder(config, handler);
  }

  /**
   * Takes responsibility for a record. Never blocks and never refuses: the adapter asks {@link
   * #isIntakeOpen()} before it takes more from the broker, which keeps the bounds. Records of one
   * key must be accepted in broker order. After {@link #drain} the record is given back
   * immediately; after {@link #close}, or if its scope is stopped, it is forgotten without
   * settlement. Both count as given back.
   *
   * @param delivery the record
   */
  public void accept(RawDelivery delivery) {
    state.accept(delivery);
  }

  /**
   * Takes responsibility for records until the intake closes. Has the effect of {@link
   * #accept(RawDelivery)} for each as long as {@link #isIntakeOpen()}, at the cost of one call.
   *
   * @param deliveries in broker order
   * @return the number of records taken, from the first on; the caller keeps the others until the
   *     intake opens again
   */
  public int acceptWhileOpen(List<? extends RawDelivery> deliveries) {
    return state.acceptWhileOpen(deliveries);
  }

  /**
   * Returns whether the adapter may take more from the broker: in-flight count and bytes are below
   * their bounds, and waiting records are below half of the count. After the intake has closed, it
   * opens again below 70 % of these bounds. It is closed after {@link #drain} and {@link #close}.
   *
   * @return whether the intake is open
   */
  public boolean isIntakeOpen() {
    return state.isIntakeOpen();
  }

  /**
   * Starts no more handlers for a scope that is about to be lost. Its records that have not started
   * are forgotten without settlement and count as given back. Running handlers continue, and their
   * records are settled until {@link #revoke}. Idempotent.
   *
   * @param scope as in {@link RawDelivery#scope()}
   */
  public void stopScope(Object scope) {
    state.stopScope(scope);
  }

  /**
   * Waits until no handler of a scope runs. Blocks the caller, not the workers.
   *
   * @param scope as in {@link RawDelivery#scope()}
   * @param timeout the longest time to wait
   * @return whether none runs
   */
  public boolean awaitScopeIdle(Object scope, Duration timeout) {
    return state.awaitNoneActive(entry -> entry.raw.scope() == scope, timeout);
  }

  /**
   * Forgets a scope that is lost. Includes {@link #stopScope}. Records whose handlers still run are
   * not settled when the handlers end. Idempotent.
   *
   * @param scope as in {@link RawDelivery#scope()}
   */
  public void revoke(Object scope) {
    state.revoke(scope);
  }

  /** Starts no more handlers until {@link #resume()}. Idempotent. */
  public void pause() {
    state.pauseByUser();
  }

  /**
   * Ends {@link #pause()}. Tries the messages again that wait because there are no dead letters,
   * also one that seems to crash its process. If unreadable records have stopped the route before
   * any could be read, one more is dead-lettered. Repeating it has no effect but these.
   */
  public void resume() {
    state.resumeByUser();
  }

  /**
   * Starts no more handlers, gives back the records that have not started, and waits until the
   * running handlers have ended and their records are settled.
   *
   * @param timeout the longest time to wait
   * @return whether all had ended
   */
  public boolean drain(Duration timeout) {
    state.drain();
    return state.awaitNoneActive(entry -> true, timeout);
  }

  /**
   * Ends the engine: interrupts running handlers, whose records are no longer settled. Idempotent;
   * does not wait.
   */
  @Override
  public void close() {
    state.close();
    events.close();
  }

  /** {@return a consistent snapshot of the conservation ledger} */
  public SubscriptionSnapshot snapshot() {
    return state.snapshot();
  }

  /**
   * Reports something that the adapter has noticed to the observer. Callable on any thread; returns
   * immediately.
   *
   * @param kind the kind of trouble
   * @param text describes it, without content of messages
   */
  public void report(Trouble.Kind kind, String text) {
    events.trouble(kind, text, null);
  }

  /**
   * Returns the health of the handlers' side; the adapter adds its connection's.
   *
   * @return down beyond {@link SubscriptionConfig#maxStuckHandlers()}, while an error of the JVM
   *     stops the route and while the gate does not return; degraded while an outage pauses the
   *     route, a worker is stuck, a dead letter waits here since its target refuses it, a message
   *     waits since there are no dead letters, unreadable records have stopped the route, or the
   *     observer does not return
   */
  public Health health() {
    SubscriptionSnapshot now = state.snapshot();
    EngineState.HealthState more = state.healthState();
    Map<String, String> details = new HashMap<>();
    details.put("oldestInFlight", now.oldestInFlight().toString());
    details.put("inFlight", Long.toString(now.count(Count.IN_FLIGHT) + now.count(Count.WAITING)));
    details.put("stuckHandlers", Integer.toString(now.stuckHandlers()));
    details.put("workers", Integer.toString(more.workers()));
    String failure = failure(now, more);
    if (!failure.isEmpty()) {
      return Health.of(Health.Status.DOWN, failure, details);
    }
    String trouble = trouble(now, more);
    return Health.of(
        trouble.isEmpty() ? Health.Status.UP : Health.Status.DEGRADED, trouble, details);
  }

  /** The reason for which the engine is down; empty if it is not. */
  private String failure(SubscriptionSnapshot now, EngineState.HealthState more) {
    if (state.isClosed()) {
      return "closed";
    }
    if (now.stuckHandlers() > config.maxStuckHandlers()) {
      return now.stuckHandlers() + " workers are stuck, the first: " + more.firstStuck();
    }
    if (now.isRoutePaused() && more.isJvmFailure()) {
      return "stopped: " + more.pauseReason();
    }
    return gate.hangs() ? "the gate has not returned" : "";
  }

  /** The reason for which the engine is degraded; empty if it is not. */
  private String trouble(SubscriptionSnapshot now, EngineState.HealthState more) {
    if (now.isRoutePaused()) {
      return "paused: " + more.pauseReason();
    }
    if (now.stuckHandlers() > 0) {
      return "stuck: " + more.firstStuck();
    }
    String waiting =
        more.keptDeadLetters() > 0
            ? "the dead-letter target refuses messages, which wait here: " + more.keptDeadLetters()
            : more.withoutDeadLetters();
    if (waiting.isEmpty()) {
      return events.trouble();
    }
    return waiting
        + (now.isIntakePaused() ? "; the intake is paused, since its bounds are reached" : "");
  }
}
