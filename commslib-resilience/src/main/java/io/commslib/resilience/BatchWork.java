package io.commslib.resilience;

import java.util.List;
import java.util.Map;

/**
 * Loads the values of many keys by one call. Users implement it for a {@link BatchLoader}.
 *
 * @param <K> type of the keys
 * @param <R> type of the results
 */
@FunctionalInterface
public interface BatchWork<K, R> {

  /**
   * Makes one call for all keys, as an attempt of a guarded operation and on the thread of one of
   * the callers. The thread is interrupted when the attempt overruns its time. It may run again for
   * the same keys, and for a mirror at the same time on another thread, so it must have no effect.
   *
   * @param keys the keys without duplicates, in the order of the callers, unmodifiable
   * @return the results by key; a key that is not in it has no result
   * @throws Exception if the call fails, for all keys
   */
  Map<K, R> load(List<K> keys) throws Exception;
}
