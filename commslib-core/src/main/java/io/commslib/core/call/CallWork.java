package io.commslib.core.call;

import org.jspecify.annotations.Nullable;

/**
 * Work with a result, which runs under a {@link CallContext}. Users implement it.
 *
 * @param <T> type of the result
 * @param <E> type of the checked failure, inferred as {@link RuntimeException} if there is none
 */
@FunctionalInterface
public interface CallWork<T extends @Nullable Object, E extends Exception> {

  /**
   * Runs the work on the thread that called.
   *
   * @return the result
   * @throws E if the work fails
   */
  T run() throws E;
}
