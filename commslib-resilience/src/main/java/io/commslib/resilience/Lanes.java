package io.commslib.resilience;

import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CallPolicy.Part;
import io.commslib.core.resilience.CircuitBreaker.State;
import io.commslib.core.resilience.TrafficSplit;
import io.commslib.core.time.CommsRuntime;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Predicate;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * The lanes of a remote: one for calls without a subset, and one for each subset that is in use. It
 * chooses the subset of an attempt. Thread-safe.
 */
final class Lanes {

  /** The maximum number of subsets that operations name themselves. */
  static final int MAX_SUBSETS = 64;

  private final String service;
  private final CommsRuntime runtime;
  private final CallEvents events;
  private final Lane all;
  private final Map<String, Lane> subsets = new ConcurrentHashMap<>();

  /** The subsets that operations name themselves, which a new split keeps. */
  private final Set<String> fixed = new HashSet<>();

  /** Held while a lane is made and while policies are replaced, so that no lane has an old one. */
  private final Object changing = new Object();

  private CallPolicy policy;

  private volatile @Nullable Lane mirror;

  Lanes(String service, CallPolicy policy, CommsRuntime runtime, CallEvents events) {
    this.service = service;
    this.policy = policy;
    this.runtime = runtime;
    this.events = events;
    this.all = lane(null);
    this.mirror = mirror(policy);
  }

  private Lane lane(@Nullable String subset) {
    return lane(subset == null ? service : service + "/" + subset, subset, policy.maxInFlight());
  }

  private Lane lane(String name, @Nullable String subset, int maxInFlight) {
    PhaseBreaker breaker =
        new PhaseBreaker(
            name,
            policy.breaker(),
            policy.attemptTimeout(),
            runtime,
            (from, to, cause, open) -> events.breaker(name, from, to, cause, open));
    return new Lane(subset, breaker, maxInFlight);
  }

  /** The lane of calls without a subset. */
  Lane all() {
    return all;
  }

  /** The lane of a subset that an operation names itself. */
  Lane fixed(String subset) {
    synchronized (changing) {
      if (!fixed.contains(subset) && fixed.size() >= MAX_SUBSETS) {
        throw new IllegalStateException(
            "subsets of "
                + service
                + ": "
                + (MAX_SUBSETS + 1)
                + " (expected: 1.."
                + MAX_SUBSETS
                + "; a subset is a name and never an address)");
      }
      fixed.add(subset);
      return of(subset);
    }
  }

  private Lane of(String subset) {
    Lane known = subsets.get(subset);
    if (known != null) {
      return known;
    }
    synchronized (changing) {
      return subsets.computeIfAbsent(
          subset,
          name -> {
            Lane made = lane(name);
            if (all.breaker.state() == State.FORCED_OPEN) {
              made.breaker.force(State.FORCED_OPEN);
            }
            return made;
          });
    }
  }

  /** The lane of a subset, or else of its copies, or null if nothing has used it. */
  @Nullable Lane find(String subset) {
    Lane copies = mirror;
    Lane known = subsets.get(subset);
    return known == null && copies != null && subset.equals(copies.subset) ? copies : known;
  }

  /** The lane of copies, or null without a mirror. No other attempt uses it. */
  @Nullable Lane mirror() {
    return mirror;
  }

  int copiesInFlight() {
    Lane copies = mirror;
    return copies == null ? 0 : copies.bulkhead.inFlight();
  }

  private @Nullable Lane mirror(CallPolicy of) {
    if (!of.has(Part.MIRROR) || of.mirror().isEmpty()) {
      return null;
    }
    String subset = of.mirror().get().subset();
    Lane before = mirror;
    if (before != null && subset.equals(before.subset)) {
      before.breaker.settings(of.breaker(), of.attemptTimeout());
      return before;
    }
    Lane made = lane(service + "/" + subset + " (mirror)", subset, Mirrors.MAX_OF_REMOTE);
    if (all.breaker.state() == State.FORCED_OPEN) {
      made.breaker.force(State.FORCED_OPEN);
    }
    return made;
  }

  /** Replaces the policy of all lanes, and forgets subsets that the new one does not name. */
  void replace(CallPolicy next) {
    synchronized (changing) {
      policy = next;
      Set<String> named = next.split().map(TrafficSplit::weights).map(Map::keySet).orElse(Set.of());
      subsets.keySet().removeIf(name -> !fixed.contains(name) && !named.contains(name));
      each(lane -> lane.replace(next));
      mirror = mirror(next);
    }
  }

  /** Changes the state of all breakers, of those that are made meanwhile too. */
  void force(State state) {
    synchronized (changing) {
      each(lane -> lane.breaker.force(state));
      Lane copies = mirror;
      if (copies != null) {
        copies.breaker.force(state);
      }
    }
  }

  private void each(Consumer<Lane> action) {
    action.accept(all);
    subsets.values().forEach(action);
  }

  int inFlight() {
    int sum = all.bulkhead.inFlight();
    for (Lane lane : subsets.values()) {
      sum += lane.bulkhead.inFlight();
    }
    return sum;
  }

  /** Whether any lane that calls would use fulfils a condition. */
  boolean any(@Nullable TrafficSplit split, Predicate<Lane> condition) {
    if (split == null) {
      return condition.test(all);
    }
    for (Map.Entry<String, Integer> each : split.weights().entrySet()) {
      if (each.getValue() > 0 && condition.test(of(each.getKey()))) {
        return true;
      }
    }
    return false;
  }

  /**
   * Returns the operation for an attempt: in the subset of the attempt before as long as its
   * breaker admits attempts, else in a subset that is chosen by weight among those whose breakers
   * admit attempts. If there is none, the breaker of the result refuses the attempt.
   *
   * @param operation the one of the attempt before, or the one that was called
   */
  GuardedOperation next(TrafficSplit split, GuardedOperation operation, boolean hasBreaker) {
    Lane before = operation.lane();
    if (before.subset != null && (!hasBreaker || before.breaker.admits())) {
      return operation;
    }
    String chosen = chosen(split, lane -> !hasBreaker || lane.breaker.admits());
    if (chosen == null) {
      if (before.subset != null) {
        return operation;
      }
      chosen = chosen(split, lane -> true);
    }
    return chosen == null ? operation : operation.inLane(of(chosen));
  }

  /** A subset by weight among those that fulfil a condition; null if none does. */
  private @Nullable String chosen(TrafficSplit split, Predicate<Lane> condition) {
    // The condition of a lane may change meanwhile, so it is asked once.
    Map<String, Integer> open = new LinkedHashMap<>();
    int sum = 0;
    for (Map.Entry<String, Integer> each : split.weights().entrySet()) {
      if (each.getValue() > 0 && condition.test(of(each.getKey()))) {
        open.put(each.getKey(), each.getValue());
        sum += each.getValue();
      }
    }
    if (sum == 0) {
      return null;
    }
    RandomGenerator random = runtime.random();
    int at = random.nextInt(sum);
    for (Map.Entry<String, Integer> each : open.entrySet()) {
      at -= each.getValue();
      if (at < 0) {
        return each.getKey();
      }
    }
    throw new IllegalStateException("no subset for " + at + " of " + sum);
  }
}
