package io.commslib.resilience;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.CallTarget;
import io.commslib.core.time.ScheduledTask;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * The loads of a loader that no thread waits for, in batches of their own. Each batch has one timer
 * for its window, and makes its call on a thread of the library. Code of users runs without the
 * lock. Thread-safe.
 */
final class AsyncBatches<K, V> {

  private static final long LONGEST_NANOS = Long.MAX_VALUE / 4;

  /** Makes the value of a result, or throws the failure of its key. */
  interface Reader<V> {
    V read(KeyResult<V> result);
  }

  /** The load of one key, which the tick watches for its deadline. */
  private final class Load extends AttemptWatch.Watched {
    private static final long serialVersionUID = 1L;

    private final transient K key;
    private final transient CallContext context;
    private final transient CompletableFuture<V> future = new CompletableFuture<>();
    private transient @Nullable Batch batch;

    Load(K key, CallContext context) {
      super(null);
      this.key = key;
      this.context = context;
    }

    /** On the thread of the tick. */
    @Override
    void overran(AttemptWatch watch) {
      threads().execute(() -> future.completeExceptionally(expired(this)));
    }

    /** The future has ended, by its value, its deadline or its owner. */
    void ended() {
      AttemptWatch.tryEnd(this);
      bound.leave();
      synchronized (lock) {
        Batch of = batch;
        if (of != null) {
          of.loads.remove(this);
        }
      }
    }

    /** Two loads are never equal. */
    @Override
    public boolean equals(@Nullable Object other) {
      return this == other;
    }

    @Override
    public int hashCode() {
      return System.identityHashCode(this);
    }
  }

  /** Guarded by the lock. */
  private final class Batch {
    private final Set<Load> loads = new LinkedHashSet<>();
    private long windowEndNanos;
    private @Nullable ScheduledTask timer;
    private boolean hasBegun;
  }

  private final BatchCall<K, V, ?> call;
  private final Reader<V> reader;
  private final CallTarget target;
  private final int maxBatch;
  private final long windowNanos;
  private final WaitingBound bound;
  private final Object lock = new Object();
  private @Nullable Batch open;

  AsyncBatches(
      BatchCall<K, V, ?> call,
      Reader<V> reader,
      int maxBatch,
      long windowNanos,
      WaitingBound bound) {
    this.call = call;
    this.reader = reader;
    this.target = call.operation().target();
    this.maxBatch = maxBatch;
    this.windowNanos = windowNanos;
    this.bound = bound;
  }

  private Guard guard() {
    return call.operation().guard();
  }

  private CallThreads threads() {
    return guard().threads();
  }

  CompletableFuture<V> load(K key) {
    CallContext context = CallContext.current();
    Load load = new Load(key, context);
    long left = context.remainingNanos(LONGEST_NANOS);
    if (left <= 0) {
      load.future.completeExceptionally(BatchLoadException.expired(target, false));
      return load.future;
    }
    if (!bound.tryEnter()) {
      load.future.completeExceptionally(BatchLoadException.full(target, bound.max()));
      return load.future;
    }
    CompletionStage<V> observed = load.future;
    observed.whenComplete((value, failure) -> load.ended());
    long now = guard().time().nanoTime();
    long end = now + Math.min(left, longestCallNanos() + windowNanos);
    guard().watch().begin(load, end);
    Batch full = enter(load, now, end - Plan.MIN_ATTEMPT_NANOS);
    if (full != null) {
      begin(full);
    }
    return load.future;
  }

  private long longestCallNanos() {
    Plan plan = guard().plan();
    return plan.hasDeadline ? plan.deadlineNanos : LONGEST_NANOS / 2;
  }

  /** Returns the batch if it is to be called at once. */
  private @Nullable Batch enter(Load load, long now, long latest) {
    synchronized (lock) {
      Batch batch = open;
      boolean isFirst = batch == null;
      if (batch == null) {
        batch = new Batch();
        batch.windowEndNanos = now + windowNanos;
        open = batch;
      }
      load.batch = batch;
      batch.loads.add(load);
      // Waiting for others must not use up the time of a load.
      boolean isHurried = latest - batch.windowEndNanos < 0;
      if (isHurried) {
        batch.windowEndNanos = latest;
      }
      long wait = batch.windowEndNanos - now;
      if (batch.loads.size() >= maxBatch || wait <= 0) {
        seal(batch);
        return batch;
      }
      if (isFirst || isHurried) {
        cancelTimer(batch);
        Batch timed = batch;
        batch.timer = threads().after(wait, () -> windowEnded(timed));
        if (batch.timer == null) {
          seal(batch);
          return batch;
        }
      }
      return null;
    }
  }

  /** Lock held. */
  private void seal(Batch batch) {
    if (open == batch) {
      open = null;
    }
    cancelTimer(batch);
  }

  private static void cancelTimer(AsyncBatches<?, ?>.Batch batch) {
    ScheduledTask timer = batch.timer;
    if (timer != null) {
      timer.cancel();
      batch.timer = null;
    }
  }

  private void windowEnded(Batch batch) {
    synchronized (lock) {
      if (open != batch) {
        return;
      }
      seal(batch);
    }
    begin(batch);
  }

  private void begin(Batch batch) {
    try {
      threads().load(() -> run(batch));
    } catch (RuntimeException | Error e) {
      // No thread can be started, for example because the runtime is closed.
      BatchLoadException failure = BatchLoadException.failed(target, e);
      begun(batch).forEach(load -> load.future.completeExceptionally(failure));
    }
  }

  /** The loads that are left when the call begins. */
  private List<Load> begun(Batch batch) {
    synchronized (lock) {
      batch.hasBegun = true;
      return List.copyOf(batch.loads);
    }
  }

  /** On a thread of the library. */
  private void run(Batch batch) {
    List<Load> loads = begun(batch);
    if (loads.isEmpty()) {
      return;
    }
    List<K> keys = loads.stream().map(load -> load.key).toList();
    List<KeyResult<V>> results = latest(loads).context.call(() -> call.run(keys));
    for (int i = 0; i < loads.size(); i++) {
      end(loads.get(i).future, results == null ? null : results.get(i));
    }
  }

  private void end(CompletableFuture<V> future, @Nullable KeyResult<V> result) {
    try {
      if (result == null) {
        throw BatchLoadException.interrupted(target, null);
      }
      future.complete(reader.read(result));
    } catch (Throwable e) {
      future.completeExceptionally(e);
    }
  }

  /** The load with the most time, so that none is cut short by another. */
  private Load latest(List<Load> loads) {
    Load latest = loads.get(0);
    long most = latest.context.remainingNanos(LONGEST_NANOS);
    for (Load each : loads) {
      long left = each.context.remainingNanos(LONGEST_NANOS);
      if (left > most) {
        most = left;
        latest = each;
      }
    }
    return latest;
  }

  private BatchLoadException expired(Load load) {
    synchronized (lock) {
      Batch of = load.batch;
      return BatchLoadException.expired(target, of != null && of.hasBegun);
    }
  }
}
