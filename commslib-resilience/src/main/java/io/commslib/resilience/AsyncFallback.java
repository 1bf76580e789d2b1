package io.commslib.resilience;

import io.commslib.core.Failures;
import io.commslib.core.call.CallContext;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** The answers of callers for calls that return stages and fail. */
final class AsyncFallback {

  private AsyncFallback() {}

  /** Returns a future with the answer of a call or of its fallback; its end ends the call. */
  static <T extends @Nullable Object> CompletableFuture<T> of(
      CompletableFuture<T> call, Function<Exception, T> fallback) {
    CallContext caller = CallContext.current();
    CompletableFuture<T> result = new CompletableFuture<>();
    CompletionStage<T> unusedEnd =
        call.whenComplete(
            (answer, failure) -> {
              if (failure == null) {
                result.complete(answer);
              } else if (!result.isDone()) {
                complete(result, Failures.unwrapped(failure), caller, fallback);
              }
            });
    // Cancelling what depends on the call would leave the attempts in flight.
    CompletionStage<T> unused = result.whenComplete((answer, failure) -> call.cancel(true));
    return result;
  }

  private static <T extends @Nullable Object> void complete(
      CompletableFuture<T> result,
      Throwable failure,
      CallContext caller,
      Function<Exception, T> fallback) {
    try {
      if (failure instanceof Exception exception) {
        result.complete(caller.call(() -> fallback.apply(exception)));
      } else {
        result.completeExceptionally(failure);
      }
    } catch (Throwable e) {
      result.completeExceptionally(e);
    }
  }
}
