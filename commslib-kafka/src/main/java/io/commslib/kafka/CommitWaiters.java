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

/**
 * Callers that wait until everything settled at the time of their call is committed. Thread-safe.
 */
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
   * Commits if a caller waits, and releases the callers if the commit was confirmed. Called in each
   * pass of the poll thread.
   *
   * @param commit commits and returns whether the broker has confirmed it
   */
  void serve(BooleanSupplier commit) {
    if (waiting.isEmpty()) {
      return;
    }
    // Only callers that waited before the commit began.
    List<CompletableFuture<Boolean>> served = new ArrayList<>(waiting);
    if (commit.getAsBoolean()) {
      served.forEach(waiter -> waiter.complete(true));
    }
  }

  /** Releases all present and later callers with the result of the final commit. */
  void complete(boolean committed) {
    ended.complete(committed);
  }
}
