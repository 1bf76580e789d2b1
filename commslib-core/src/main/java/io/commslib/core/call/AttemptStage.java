package io.commslib.core.call;

import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/**
 * The work of one attempt of a call that returns a stage, for example an asynchronous client. Users
 * implement it. It runs once for each attempt.
 *
 * @param <T> type of the answer
 */
@FunctionalInterface
public interface AttemptStage<T extends @Nullable Object> {

  /**
   * Starts one attempt. Must not block: the first attempt runs on the thread that made the call,
   * and later ones on a few threads that all calls of a process share.
   *
   * <p>When the attempt overruns its time, or the call is cancelled, {@code cancel(true)} is called
   * on {@link CompletionStage#toCompletableFuture()}. It should stop the work: return the stage
   * whose cancellation does so, and not one that depends on it.
   *
   * @param attempt the context of this attempt, which is also {@link CallContext#current()} while
   *     this method runs
   * @return the stage of the answer, never null
   * @throws Exception if the attempt fails; it is treated like a failure of the stage
   */
  CompletionStage<T> start(CallContext attempt) throws Exception;
}
