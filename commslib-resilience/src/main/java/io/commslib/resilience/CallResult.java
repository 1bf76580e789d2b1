package io.commslib.resilience;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The result of an asynchronous call, which learns that its caller has completed or cancelled it. A
 * stage that depends on the result would learn it too, but each call would allocate three objects
 * for it.
 *
 * @param <T> type of the answer
 */
final class CallResult<T extends @Nullable Object> extends CompletableFuture<T> {

  private final AsyncCall<T> call;

  CallResult(AsyncCall<T> call) {
    this.call = call;
  }

  @Override
  public boolean complete(T answer) {
    return learns(super.complete(answer));
  }

  @Override
  public boolean completeExceptionally(Throwable failure) {
    return learns(super.completeExceptionally(failure));
  }

  @Override
  public boolean cancel(boolean mayInterrupt) {
    boolean isCancelled = super.cancel(mayInterrupt);
    call.abandoned();
    return isCancelled;
  }

  @Override
  public void obtrudeValue(T answer) {
    super.obtrudeValue(answer);
    call.abandoned();
  }

  @Override
  public void obtrudeException(Throwable failure) {
    super.obtrudeException(failure);
    call.abandoned();
  }

  /** The only way to complete it that calls none of the methods above. */
  @Override
  public CompletableFuture<T> completeAsync(Supplier<? extends T> answer, Executor executor) {
    executor.execute(
        () -> {
          if (isDone()) {
            return;
          }
          try {
            complete(answer.get());
          } catch (Throwable e) {
            completeExceptionally(e);
          }
        });
    return this;
  }

  /** A call has ended before it completes its result itself; this changes nothing then. */
  private boolean learns(boolean isCompleted) {
    if (isCompleted) {
      call.abandoned();
    }
    return isCompleted;
  }
}
