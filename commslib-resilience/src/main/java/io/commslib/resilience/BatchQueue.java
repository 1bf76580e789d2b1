package io.commslib.resilience;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallTarget;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TimeSource;
import io.commslib.resilience.Batch.Caller;
import java.util.List;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * The callers that wait for a loader, and the batch that still takes callers. All code of users
 * runs without the lock.
 */
final class BatchQueue<K, V> {

  private static final long LONGEST_NANOS = Long.MAX_VALUE / 4;

  private final BatchCall<K, V, ?> call;
  private final CommsRuntime runtime;
  private final TimeSource time;
  private final boolean simulated;
  private final CallTarget target;
  private final int maxBatch;
  private final long windowNanos;
  private final WaitingBound bound;
  private final ReentrantLock lock = new ReentrantLock();

  // All below is guarded by the lock.
  private @Nullable Batch<K, V> open;

  BatchQueue(BatchCall<K, V, ?> call, int maxBatch, long windowNanos, WaitingBound bound) {
    this.call = call;
    this.runtime = call.operation().guard().runtime();
    this.time = runtime.time();
    this.simulated = Waits.isSimulated(runtime);
    this.target = call.operation().target();
    this.maxBatch = maxBatch;
    this.windowNanos = windowNanos;
    this.bound = bound;
  }

  /** Returns the result of a key; blocks this thread. */
  KeyResult<V> load(K key) {
    if (Thread.currentThread().isInterrupted()) {
      throw BatchLoadException.interrupted(target, null);
    }
    CallContext context = CallContext.current();
    long longest = longestCallNanos();
    long left = context.remainingNanos(LONGEST_NANOS);
    if (left <= 0) {
      throw BatchLoadException.expired(target, false);
    }
    long now = time.nanoTime();
    long end = now + Math.min(left, longest + windowNanos);
    if (!bound.tryEnter()) {
      throw BatchLoadException.full(target, bound.max());
    }
    lock.lock();
    try {
      Caller<K, V> caller = new Caller<>(key, context, end, lock.newCondition());
      Batch<K, V> batch = enter(caller, now, longest);
      try {
        return await(batch, caller, longest);
      } finally {
        leave(batch, caller, longest);
      }
    } finally {
      lock.unlock();
      bound.leave();
    }
  }

  private long longestCallNanos() {
    Plan plan = call.operation().guard().plan();
    return plan.hasDeadline ? plan.deadlineNanos : LONGEST_NANOS;
  }

  /** Lock held. */
  private Batch<K, V> enter(Caller<K, V> caller, long now, long longest) {
    Batch<K, V> batch = open;
    if (batch == null) {
      batch = new Batch<>(caller, now + windowNanos);
      open = batch;
    }
    batch.add(caller);
    if (batch.size() >= maxBatch) {
      seal(batch, caller, longest);
    }
    return batch;
  }

  /** Lock held. */
  private void leave(Batch<K, V> batch, Caller<K, V> caller, long longest) {
    batch.remove(caller, longest);
    if (open == batch && batch.size() == 0) {
      open = null;
    }
  }

  /** Lock held. */
  private void seal(Batch<K, V> batch, Caller<K, V> current, long longest) {
    if (open == batch) {
      open = null;
    }
    batch.seal(current, longest);
  }

  /** Lock held. */
  private KeyResult<V> await(Batch<K, V> batch, Caller<K, V> caller, long longest) {
    KeyResult<V> result = caller.result;
    while (result == null) {
      long now = time.nanoTime();
      long left = caller.endNanos - now;
      if (left <= 0) {
        throw BatchLoadException.expired(target, batch.isRunning());
      }
      // Under simulated time the leader may be a frame further down on this thread's stack.
      boolean leads = (simulated || batch.isLedBy(caller)) && !batch.isRunning();
      if (leads && batch.isSealed()) {
        lead(batch);
      } else if (leads && batch.windowEndNanos() - now <= 0) {
        seal(batch, caller, longest);
      } else {
        pause(caller, leads ? Math.min(left, batch.windowEndNanos() - now) : left);
      }
      result = caller.result;
    }
    return result;
  }

  private void pause(Caller<K, V> caller, long nanos) {
    try {
      Waits.await(runtime, lock, caller.woken, nanos);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      if (caller.result == null) {
        throw BatchLoadException.interrupted(target, e);
      }
    }
  }

  /** Lock held, but not during the call. */
  private void lead(Batch<K, V> batch) {
    List<Caller<K, V>> callers = batch.begin();
    List<KeyResult<V>> results = null;
    lock.unlock();
    try {
      results = call.run(callers.stream().map(each -> each.key).toList());
    } finally {
      lock.lock();
      batch.end(callers, results);
    }
    if (results == null) {
      throw BatchLoadException.interrupted(target, null);
    }
  }
}
