package io.commslib.resilience;

import io.commslib.core.Failures;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The call of a batch: keys in, one result for each caller out. Runs on the leader's thread. */
final class BatchCall<K, V, R> {

  private final GuardedOperation operation;
  private final BatchWork<K, R> work;
  private final Function<? super R, KeyResult<V>> reader;

  BatchCall(
      GuardedOperation operation, BatchWork<K, R> work, Function<? super R, KeyResult<V>> reader) {
    this.operation = operation;
    this.work = work;
    this.reader = reader;
  }

  GuardedOperation operation() {
    return operation;
  }

  /**
   * Makes the call.
   *
   * @param keys those of the callers, with duplicates
   * @return the results in the order of the keys, or null if the thread was interrupted
   */
  @Nullable List<KeyResult<V>> run(List<K> keys) {
    try {
      List<K> distinct = List.copyOf(new LinkedHashSet<>(keys));
      Map<K, R> found =
          operation.call(
              attempt ->
                  Objects.requireNonNull(work.load(distinct), "load: null (expected: a map)"));
      List<KeyResult<V>> results = new ArrayList<>(keys.size());
      for (K key : keys) {
        results.add(result(found, key));
      }
      return results;
    } catch (Throwable e) {
      if (Thread.currentThread().isInterrupted() && !Failures.isJvmFailure(e)) {
        return null;
      }
      KeyResult<V> failed = KeyResult.failedBy(e);
      return keys.stream().map(key -> failed).toList();
    }
  }

  /** The map and its keys are of user code, too: what they throw concerns one key. */
  private KeyResult<V> result(Map<K, R> found, K key) {
    try {
      R result = found.get(key);
      return result == null ? KeyResult.none() : reader.apply(result);
    } catch (Throwable e) {
      return KeyResult.failedBy(e);
    }
  }
}
