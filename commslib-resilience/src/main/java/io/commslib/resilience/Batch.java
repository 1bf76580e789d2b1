package io.commslib.resilience;

import io.commslib.core.call.CallContext;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.Condition;
import org.jspecify.annotations.Nullable;

/**
 * Callers whose keys are loaded by one call. One of them leads: before the batch is sealed it waits
 * for the window, afterwards it makes the call on its own thread. A leader that leaves without
 * results is replaced by another caller. Guarded by the lock of its queue.
 */
final class Batch<K, V> {

  /** A thread that waits for the result of a key. */
  static final class Caller<K, V> {
    final K key;
    final CallContext context;
    final long endNanos;
    final Condition woken;
    @Nullable KeyResult<V> result;

    Caller(K key, CallContext context, long endNanos, Condition woken) {
      this.key = key;
      this.context = context;
      this.endNanos = endNanos;
      this.woken = woken;
    }
  }

  /** In the order of arrival. */
  private final Set<Caller<K, V>> callers = new LinkedHashSet<>();

  private long windowEndNanos;
  private boolean sealed;
  private boolean running;
  private Caller<K, V> leader;

  Batch(Caller<K, V> first, long windowEndNanos) {
    this.leader = first;
    this.windowEndNanos = windowEndNanos;
  }

  void add(Caller<K, V> caller) {
    callers.add(caller);
    // Waiting for others must not use up the time of a caller.
    long latest = caller.endNanos - Plan.MIN_ATTEMPT_NANOS;
    if (latest - windowEndNanos < 0) {
      windowEndNanos = latest;
      leader.woken.signal();
    }
  }

  int size() {
    return callers.size();
  }

  boolean isSealed() {
    return sealed;
  }

  /** Whether the call has begun. */
  boolean isRunning() {
    return running;
  }

  long windowEndNanos() {
    return windowEndNanos;
  }

  boolean isLedBy(Caller<K, V> caller) {
    return leader == caller;
  }

  /**
   * Takes no more callers. The one with the most time leads, so that no caller is cut short by
   * another; of equal ones it is the current one, which need not be woken.
   */
  void seal(Caller<K, V> current, long longestNanos) {
    sealed = true;
    leader = current;
    long most = current.context.remainingNanos(longestNanos);
    for (Caller<K, V> each : callers) {
      long left = Math.min(longestNanos, each.context.remainingNanos(longestNanos));
      if (left > most) {
        most = left;
        leader = each;
      }
    }
    leader.woken.signal();
  }

  /** Begins the call and returns its callers. */
  List<Caller<K, V>> begin() {
    running = true;
    return List.copyOf(callers);
  }

  /** Ends the call; without results the callers wait for another leader. */
  void end(List<Caller<K, V>> of, @Nullable List<KeyResult<V>> results) {
    running = false;
    if (results == null) {
      return;
    }
    for (int i = 0; i < results.size(); i++) {
      of.get(i).result = results.get(i);
      of.get(i).woken.signal();
    }
  }

  /** Removes a caller; if it led, the first of the rest that has no result leads. */
  void remove(Caller<K, V> caller, long longestNanos) {
    callers.remove(caller);
    if (leader != caller) {
      return;
    }
    for (Caller<K, V> each : callers) {
      if (each.result == null) {
        if (sealed) {
          seal(each, longestNanos);
        } else {
          leader = each;
          each.woken.signal();
        }
        return;
      }
    }
  }
}
