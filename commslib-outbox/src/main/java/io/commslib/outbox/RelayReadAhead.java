package io.commslib.outbox;

import java.util.List;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * A fetch that runs on another thread while the relay's thread publishes. Its result is discarded
 * if something has changed that it does not know: rows have left memory unpublished, a message
 * waits for its next attempt, or another destination must be left out. Confined to the relay's
 * thread, except for the reading itself.
 */
final class RelayReadAhead {

  /**
   * A fetch that has begun.
   *
   * @param excluded destinations that it leaves out
   * @param rescans {@link ShardCursors#rescans} when it was planned
   * @param limit the maximum number of rows
   * @param task reads the rows
   * @param accept takes note of the rows that were read, on the relay's thread
   */
  private record Begun(
      Set<String> excluded,
      long rescans,
      int limit,
      RelayBackgroundTask.Task<List<OutboxRow>> task,
      Function<List<OutboxRow>, RelayFetcher.Found> accept) {}

  private final RelayBackgroundTask thread;
  private @Nullable Begun begun;

  RelayReadAhead(RelayBackgroundTask thread) {
    this.thread = thread;
  }

  /** Whether a fetch is in progress, or has ended and was not taken yet. */
  boolean isBegun() {
    return begun != null;
  }

  /** Whether a fetch has begun that leaves out destinations. */
  boolean isExcluding() {
    return begun != null && !begun.excluded().isEmpty();
  }

  /** Begins a fetch; none may be in progress. */
  void begin(
      Set<String> excluded,
      long rescans,
      int limit,
      Supplier<List<OutboxRow>> read,
      Function<List<OutboxRow>, RelayFetcher.Found> accept) {
    begun = new Begun(excluded, rescans, limit, thread.begin("reading ahead", read), accept);
  }

  /**
   * Takes the result; null while the fetch is in progress. A result that is out of date is empty.
   *
   * @param retries whether messages may be waiting for their next attempt now
   * @param excluded the destinations that must be left out now
   * @param rescans the number of rescans now
   * @throws RuntimeException if the fetch failed; or an {@link Error}
   */
  RelayFetcher.@Nullable Found take(boolean retries, Set<String> excluded, long rescans) {
    Begun fetch = begun;
    if (fetch == null || !fetch.task().hasEnded()) {
      return null;
    }
    begun = null;
    List<OutboxRow> rows = fetch.task().result();
    boolean isOutdated =
        retries || !fetch.excluded().containsAll(excluded) || fetch.rescans() != rescans;
    return isOutdated
        ? new RelayFetcher.Found(List.of(), true, fetch.limit())
        : fetch.accept().apply(rows);
  }
}
