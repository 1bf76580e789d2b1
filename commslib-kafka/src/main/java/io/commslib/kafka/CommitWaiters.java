package io.commslib.kafka;

import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;

/** Those who wait until what is settled by now is committed. Thread-safe. */
final class CommitWaiters {

  private final Queue<CompletableFuture<Boolean>> waiting = new ConcurrentLinkedQueue<>();
  private final CompletableFuture<Boolean> ended = new CompletableFuture<>();

  /**
   * Waits for a commit that begins after this call.
   *
   * @return whether it was confirmed in time
   */
  boolean await(long timeoutNanos) {
    CompletableFuture<Boolean> commit = new CompletableFuture<>();
    waiting.add(commit);
    try {
      Object first =
          CompletableFuture.anyOf(commit, ended)
              .get(Math.max(0, timeoutNanos), TimeUnit.NANOSECONDS);
      return Boolean.TRUE.equals(first);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } catch (TimeoutException | ExecutionException e) {
      return false;
    } finally {
      waiting.remove(commit);
    }
  }

  /**
   * Commits if there is a caller that waits for it; called again and again by the thread that can.
   *
   * @param commit says whether it was confirmed
   */
  void serve(BooleanSupplier commit) {
    if (waiting.isEmpty()) {
      return;
    }
    // Only those who waited before the commit began.
    List<CompletableFuture<Boolean>> served = new ArrayList<>(waiting);
    if (commit.getAsBoolean()) {
      served.forEach(waiter -> waiter.complete(true));
    }
  }

  /** No commit follows; the last one said everything, or not. */
  void complete(boolean committed) {
    ended.complete(committed);
  }
}
