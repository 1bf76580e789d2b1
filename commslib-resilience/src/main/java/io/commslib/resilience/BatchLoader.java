package io.commslib.resilience;

import io.commslib.core.Failures;
import io.commslib.core.call.CallTarget;
import io.commslib.core.call.Idempotency;
import io.commslib.core.checks.Checks;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Function;

/**
 * Joins the keys of many callers into one call. Callers that arrive within a short window, or until
 * a batch is full, share a call, in the order of their arrival; equal keys share one entry.
 *
 * <p>{@link #load} needs no thread and no timer. One caller of each batch leads it: it waits for
 * the window and then makes the call on its own thread, under the guard of the operation and with
 * its own context. The caller with the latest deadline leads, so the call ends by the latest of the
 * deadlines; each caller stops waiting at its own. If the leader is interrupted, another caller of
 * the batch makes the call again, which is harmless as the operation is {@code SAFE}.
 *
 * <p>Thread-safe. Create one for each operation; it needs no closing.
 *
 * @param <K> type of the keys, with {@code equals} and {@code hashCode}
 * @param <V> type of the values
 */
public final class BatchLoader<K, V> {

  /** The default of {@link Builder#maxBatch}. */
  public static final int DEFAULT_MAX_BATCH = 100;

  /** The default of {@link Builder#window}. */
  public static final Duration DEFAULT_WINDOW = Duration.ofMillis(2);

  /** The default of {@link Builder#maxWaiting}. */
  public static final int DEFAULT_MAX_WAITING = 10_000;

  private final CallTarget target;
  private final WaitingBound bound;
  private final BatchQueue<K, V> queue;
  private final AsyncBatches<K, V> batches;

  private BatchLoader(Builder<K, V> from) {
    this.target = from.call.operation().target();
    long window = from.window.toNanos();
    this.bound = new WaitingBound(from.maxWaiting);
    this.queue = new BatchQueue<>(from.call, from.maxBatch, window, bound);
    this.batches = new AsyncBatches<>(from.call, this::value, from.maxBatch, window, bound);
  }

  /**
   * Creates a loader with all defaults.
   *
   * @param <K> type of the keys
   * @param <V> type of the values
   * @param operation guards the calls; its target is {@code SAFE}
   * @param work loads the values of many keys
   * @return the loader
   * @throws IllegalArgumentException if the target is not {@code SAFE}
   */
  public static <K, V> BatchLoader<K, V> of(GuardedOperation operation, BatchWork<K, V> work) {
    return builder(operation, work).build();
  }

  /**
   * Starts a configuration.
   *
   * @param <K> type of the keys
   * @param <V> type of the values
   * @param operation guards the calls; its target is {@code SAFE}
   * @param work loads the values of many keys
   * @return a builder
   * @throws IllegalArgumentException if the target is not {@code SAFE}
   */
  public static <K, V> Builder<K, V> builder(GuardedOperation operation, BatchWork<K, V> work) {
    return new Builder<>(call(operation, work, KeyResult::of));
  }

  /**
   * Starts a configuration with work that reports failures of single keys.
   *
   * @param <K> type of the keys
   * @param <V> type of the values
   * @param operation guards the calls; its target is {@code SAFE}
   * @param work loads a value or a failure for each key
   * @return a builder
   * @throws IllegalArgumentException if the target is not {@code SAFE}
   */
  public static <K, V> Builder<K, V> resultBuilder(
      GuardedOperation operation, BatchWork<K, KeyResult<V>> work) {
    return new Builder<>(call(operation, work, Function.identity()));
  }

  private static <K, V, R> BatchCall<K, V, R> call(
      GuardedOperation operation, BatchWork<K, R> work, Function<R, KeyResult<V>> reader) {
    Objects.requireNonNull(work, "work");
    Idempotency idempotency = operation.target().idempotency();
    // A batch belongs to several callers, and may be loaded again for the rest of them.
    Checks.check(idempotency == Idempotency.SAFE, "idempotency", idempotency, "SAFE");
    return new BatchCall<>(operation, work, reader);
  }

  /**
   * Returns the value of a key. Blocks this thread until the call of its batch has ended, at most
   * until its deadline: the earlier of that of the current {@code CallContext} and the policy's, to
   * which the window is added. A caller that leads can't leave before the code of the call returns.
   *
   * @param key the key
   * @return its value
   * @throws BatchLoadException {@code COMMS-CALL-015} if too many callers wait, {@code -016} if the
   *     call has no result for the key, {@code -017} if the deadline of this caller has passed,
   *     {@code -018} if this thread was interrupted (its flag is set), {@code -019} if the key or
   *     the call of its batch failed
   * @throws Error if the work throws it, to each caller of the batch
   */
  public V load(K key) {
    return value(queue.load(Objects.requireNonNull(key, "key")));
  }

  /**
   * Returns the value of a key as a stage. Never blocks. Keys of this method share batches with
   * each other, by the same window and bounds as those of {@link #load}, and not with its callers.
   * The call of a batch runs on a thread of the library, of which a process has at most 16 for all
   * its loaders; further batches wait for one. It has the context of the key with the latest
   * deadline.
   *
   * <p>The future ends at its own deadline, that of {@link #load}. It is completed by the thread of
   * the call or another one of the library, so what depends on it should not block; {@code
   * CallContext.wrap} takes the context there. Cancelling or completing it removes its key from a
   * batch whose call has not begun, and else only ends the wait for it: the call, which other keys
   * share, continues.
   *
   * @param key the key
   * @return its value or failure: that of {@link #load}, where {@code -018} means that the thread
   *     of the call was interrupted; {@code -019} also if no thread could be started
   */
  public CompletableFuture<V> loadAsync(K key) {
    return batches.load(Objects.requireNonNull(key, "key"));
  }

  /** The value of a key, or its failure, which is thrown. */
  private V value(KeyResult<V> result) {
    Throwable failure = result.failure();
    if (failure != null) {
      Failures.jvmFailure(failure)
          .ifPresent(
              error -> {
                throw error;
              });
      if (failure instanceof Error error) {
        throw error;
      }
      throw BatchLoadException.failed(target, failure);
    }
    V value = result.value();
    if (value == null) {
      throw BatchLoadException.noResult(target);
    }
    return value;
  }

  /**
   * {@return the number of callers that wait or make a call, and of futures that have not ended}
   */
  public int waiting() {
    return bound.waiting();
  }

  /**
   * Builds a loader. Mutable; confined to one thread.
   *
   * @param <K> type of the keys
   * @param <V> type of the values
   */
  public static final class Builder<K, V> {
    private final BatchCall<K, V, ?> call;
    private int maxBatch = DEFAULT_MAX_BATCH;
    private Duration window = DEFAULT_WINDOW;
    private int maxWaiting = DEFAULT_MAX_WAITING;

    private Builder(BatchCall<K, V, ?> call) {
      this.call = call;
    }

    /**
     * Sets the maximum number of callers, and so of keys, of a batch. A full one is called at once.
     *
     * @param maxBatch 1 to 100,000; default {@value #DEFAULT_MAX_BATCH}
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder<K, V> maxBatch(int maxBatch) {
      this.maxBatch = Checks.inRange("maxBatch", maxBatch, 1, 100_000);
      return this;
    }

    /**
     * Sets the time for which the first caller of a batch waits for others. It is shortened for a
     * caller whose deadline leaves less than 10 ms after it.
     *
     * @param window 0 to 1 minute; default 2 ms
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder<K, V> window(Duration window) {
      this.window = Checks.inRange("window", window, Duration.ZERO, Duration.ofMinutes(1));
      return this;
    }

    /**
     * Sets the maximum number of callers that wait, and of futures that have not ended, of all
     * batches together. A further one is refused.
     *
     * @param maxWaiting 1 to 1,000,000; default {@value #DEFAULT_MAX_WAITING}
     * @return this builder
     * @throws IllegalArgumentException if it is out of range
     */
    public Builder<K, V> maxWaiting(int maxWaiting) {
      this.maxWaiting = Checks.inRange("maxWaiting", maxWaiting, 1, 1_000_000);
      return this;
    }

    /** {@return the loader} */
    public BatchLoader<K, V> build() {
      return new BatchLoader<>(this);
    }
  }
}
