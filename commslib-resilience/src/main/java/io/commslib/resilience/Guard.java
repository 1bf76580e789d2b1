package io.commslib.resilience;

import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreaker;
import io.commslib.core.resilience.Gate;
import io.commslib.core.resilience.RateLimiterConfig;
import io.commslib.core.resilience.RetryBudget;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TimeSource;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * All calls to one remote service: its policy, and the breaker, budget, bulkhead and rate limiter
 * that its operations share; each subset has a breaker and a bulkhead of its own. Made by {@link
 * Resilience#guard}. Thread-safe.
 */
public final class Guard {

  /** The maximum number of operations with a label of their own; the rest share one. */
  public static final int MAX_OPERATIONS = 200;

  private static final String OTHER = "other";

  private final String service;
  private final Engine engine;
  private final TimeSource time;
  private final Lanes lanes;
  private final WindowBudget budget;
  private final TokenBucket rate;
  private final GuardGate gate;
  private final SharedCalls shared = new SharedCalls();
  private final LongAdder droppedCopies = new LongAdder();
  private final Map<OperationKey, GuardedOperation> operations = new ConcurrentHashMap<>();
  private final Object replacing = new Object();
  private volatile EffectivePolicy effective;
  private volatile Plan plan;

  private record OperationKey(String name, Idempotency idempotency) {}

  Guard(String service, EffectivePolicy effective, Engine engine) {
    this.service = service;
    this.engine = engine;
    this.time = engine.runtime().time();
    CallPolicy policy = effective.policy();
    this.effective = effective;
    this.plan = new Plan(policy);
    this.budget = new WindowBudget(policy.budget(), time);
    this.rate = new TokenBucket(policy.rateLimiter().orElse(RateLimiterConfig.of(1)), time);
    this.lanes = new Lanes(service, policy, engine.runtime(), engine.events());
    this.gate = new GuardGate(this, time);
    FaultInjector.report(service, null, plan.faults);
  }

  /** {@return the name of the remote service} */
  public String service() {
    return service;
  }

  /**
   * Returns an operation of the remote, the same one for equal arguments.
   *
   * @param name a template such as {@code GET /orders/{id}} and never a URL with values, 1 to 256
   *     characters; beyond {@value #MAX_OPERATIONS} names all others are called {@code other}
   * @param idempotency the effect of a repetition
   * @return the operation
   * @throws IllegalArgumentException if the name breaks its rule
   */
  public GuardedOperation operation(String name, Idempotency idempotency) {
    OperationKey key = new OperationKey(name, idempotency);
    GuardedOperation known = operations.get(key);
    if (known != null) {
      return known;
    }
    CallTarget target = CallTarget.of(service, name, idempotency);
    if (operations.size() >= MAX_OPERATIONS) {
      key = new OperationKey(OTHER, idempotency);
      target = CallTarget.of(service, OTHER, idempotency);
    }
    CallTarget named = target;
    return operations.computeIfAbsent(key, absent -> new GuardedOperation(this, named));
  }

  /** {@return the policy in use} */
  public CallPolicy policy() {
    return plan.policy;
  }

  /**
   * Replaces the policy until {@link Resilience#apply}. Calls that begin afterwards use it. The
   * breaker keeps its state, the budget, the bulkhead and the rate limiter keep their counts. A
   * subset that the new split does not name is forgotten, unless an operation names it.
   *
   * @param policy the new policy
   */
  public void replacePolicy(CallPolicy policy) {
    replace(EffectivePolicy.ofCode(policy));
  }

  void replace(EffectivePolicy next) {
    CallPolicy policy = next.policy();
    // Otherwise two replacements could leave parts of both.
    synchronized (replacing) {
      lanes.replace(policy);
      budget.config(policy.budget());
      boolean isFirst = plan.policy.rateLimiter().isEmpty();
      policy.rateLimiter().ifPresent(isFirst ? rate::fill : rate::rate);
      effective = next;
      Plan before = plan;
      plan = new Plan(policy);
      FaultInjector.report(service, before.faults, plan.faults);
    }
  }

  /**
   * Returns the policy in use: one line for each setting, in a fixed order, with its key, its value
   * and its origin. The origin is a key of the configuration, {@code code}, or {@code default} for
   * a value that equals the library's default.
   *
   * @return the lines
   */
  public String describe() {
    return effective.describe(service);
  }

  EffectivePolicy effective() {
    return effective;
  }

  /**
   * Returns a gate for subscriptions whose handlers call this remote: their messages wait while the
   * breaker is open. While the remote is probed, one message at a time passes.
   *
   * @return the gate, always the same
   */
  public Gate gate() {
    return gate;
  }

  /**
   * Returns the circuit breaker of calls without a subset, for code that makes attempts without
   * {@link GuardedOperation}, for example an adapter. It must end each permit.
   *
   * @return the breaker, always the same; it does not know whether the policy switches it off
   */
  public CircuitBreaker circuitBreaker() {
    return lanes.all().breaker;
  }

  /**
   * Returns the budget of retries, for code that makes attempts without {@link GuardedOperation},
   * for example an adapter. It must deposit each call and withdraw before each retry.
   *
   * @return the budget, always the same; it does not know whether the policy switches it off
   */
  public RetryBudget retryBudget() {
    return budget;
  }

  /** {@return the state of the circuit breaker of calls without a subset} */
  public CircuitBreaker.State breakerState() {
    return lanes.all().breaker.state();
  }

  /**
   * Returns the state of the circuit breaker of a subset.
   *
   * @param subset the subset
   * @return the state, of a subset that gets only copies that of their breaker; {@code CLOSED} if
   *     nothing has used the subset
   */
  public CircuitBreaker.State breakerState(String subset) {
    Lane lane = lanes.find(subset);
    return lane == null ? CircuitBreaker.State.CLOSED : lane.breaker.state();
  }

  /**
   * Opens the circuit breakers of the remote and of all its subsets until {@link #resetBreaker}, by
   * the operator's choice.
   */
  public void forceBreakerOpen() {
    lanes.force(CircuitBreaker.State.FORCED_OPEN);
  }

  /** Closes the circuit breakers of the remote and its subsets, and forgets what they counted. */
  public void resetBreaker() {
    lanes.force(CircuitBreaker.State.CLOSED);
  }

  /** {@return the number of attempts in flight, in all subsets} */
  public int inFlight() {
    return lanes.inFlight();
  }

  /** {@return the number of copies of calls in flight, which the policy's mirror makes} */
  public int copiesInFlight() {
    return lanes.copiesInFlight();
  }

  /** {@return the number of copies of calls that were dropped, since the start} */
  public long droppedCopies() {
    return droppedCopies.sum();
  }

  void countDropped() {
    droppedCopies.increment();
  }

  /** {@return the number of retries that the budget admits now} */
  public int budgetBalance() {
    return budget.balance();
  }

  CommsRuntime runtime() {
    return engine.runtime();
  }

  TimeSource time() {
    return time;
  }

  AttemptWatch watch() {
    return engine.watch();
  }

  CallThreads threads() {
    return engine.threads();
  }

  CallsInFlight callsInFlight() {
    return engine.calls();
  }

  Mirrors mirrors() {
    return engine.mirrors();
  }

  SharedCalls shared() {
    return shared;
  }

  CallEvents events() {
    return engine.events();
  }

  Lanes lanes() {
    return lanes;
  }

  WindowBudget budget() {
    return budget;
  }

  TokenBucket rate() {
    return rate;
  }

  Plan plan() {
    return plan;
  }

  @Override
  public String toString() {
    return "Guard{" + service + ", breaker=" + breakerState() + ", inFlight=" + inFlight() + "}";
  }
}
