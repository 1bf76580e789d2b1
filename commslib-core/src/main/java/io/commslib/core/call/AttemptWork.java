package io.commslib.core.call;

import org.jspecify.annotations.Nullable;

/**
 * The work of one attempt of a call, for example a blocking call of a client. Users implement it.
 * It runs once for each attempt.
 *
 * @param <T> type of the answer
 * @param <E> type of the checked failure, inferred as {@link RuntimeException} if there is none
 */
@FunctionalInterface
public interface AttemptWork<T extends @Nullable Object, E extends Exception> {

  /**
   * Makes one attempt, on the thread that made the call. The thread is interrupted when the attempt
   * overruns its time. A copy of the call for a mirror runs on another thread, at the same time,
   * with a context that {@code isMirrored()}.
   *
   * @param attempt the context of this attempt, which is also {@link CallContext#current()}
   * @return the answer
   * @throws E if the attempt fails
   */
  T run(CallContext attempt) throws E;
}
