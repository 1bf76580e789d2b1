package io.commslib.outbox;

import io.commslib.core.time.TimeSource;
import io.commslib.jdbc.JdbcDatabase;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Fetches the rows to be published next: of each shard the oldest that are not in memory, in order.
 * A fetch never skips a row that a later fetch could find after a later row of its key. On
 * PostgreSQL one fetch may be ahead: it runs on a thread of its own while the rows of the last one
 * are published, and its result is discarded if a rescan happened in between. {@link RelayLoop}
 * describes the design. Confined to the relay's thread.
 */
final class RelayFetcher {

  private static final long MARK_INTERVAL_NANOS = Duration.ofMillis(20).toNanos();

  /** The rows of one shard in a fetch; grows while shards have more, up to the maximum. */
  private static final int MIN_FETCH_SIZE = 64;

  /** A maximum keeps the mix of shards, and so of keys, of which one row each may be in flight. */
  private static final int MAX_FETCH_SIZE = 128;

  /** The rows of one shard in a union, whose parts are all read before the limit is applied. */
  private static final int MIN_UNION_FETCH_SIZE = 16;

  /** The maximum after a rescan: rows that are found again must not hide those behind them. */
  private static final int MAX_RESCAN_FETCH_SIZE = 1_000;

  /**
   * The result of a fetch.
   *
   * @param rows in ascending order within a key
   * @param full whether there may be more rows behind them
   * @param limit the maximum number of rows
   */
  record Found(List<OutboxRow> rows, boolean full, int limit) {}

  /**
   * The usual fetch on PostgreSQL: no message waits for a retry and no destination is left out.
   *
   * @param shards in this order
   * @param after the id of each shard after which to begin
   * @param inMemory ids to leave out
   * @param perShard the maximum number of rows of a shard
   * @param limit the maximum number of rows
   * @param maxInlineBytes the size up to which bodies are read too
   * @param watermark no row with this id or a lower one can appear any longer
   */
  private record Plan(
      List<Integer> shards,
      long[] after,
      long[] inMemory,
      int perShard,
      int limit,
      long maxInlineBytes,
      long watermark) {}

  private final OutboxTransactions transactions;
  private final TimeSource time;
  private final RowReader reader;
  private final @Nullable PostgresRows postgres;
  private final ShardWatermark watermark;
  private final ShardCursors cursors;
  private final RelayReadAhead ahead;
  private final RelayFetchBudget budget;
  private final RowBodyReader bodyReader;
  private int shardFetchSize = MIN_FETCH_SIZE;
  private int unionFetchSize = MIN_UNION_FETCH_SIZE;
  private boolean rescanning;
  private long lastMarks;

  RelayFetcher(
      JdbcDatabase database,
      int shards,
      @Nullable PostgresRows postgres,
      TimeSource time,
      RelayBackgroundTask thread,
      RelayFetchBudget budget,
      OutboxEvents events) {
    this.transactions = OutboxTransactions.ofLoop(database);
    this.time = time;
    this.reader = new RowReader(database);
    this.postgres = postgres;
    this.ahead = new RelayReadAhead(thread);
    this.budget = budget;
    this.bodyReader = new RowBodyReader(database);
    this.watermark = new ShardWatermark(database, events);
    this.cursors = new ShardCursors(shards, time.nanoTime());
    this.lastMarks = time.nanoTime();
  }

  /**
   * Fetches rows.
   *
   * @param shards in this order
   * @param excluded destinations to leave out
   * @param retries whether messages may be waiting for their next attempt
   * @param window rows to leave out
   * @param limit the maximum number of rows
   */
  Found fetch(
      List<Integer> shards, Set<String> excluded, boolean retries, RelayWindow window, int limit) {
    if (postgres != null && !retries && excluded.isEmpty()) {
      Plan plan = plan(shards, window, List.of(), limit);
      return accept(plan, read(postgres, plan));
    }
    RowReader.Query query = query(shards, excluded, retries, window, limit);
    return accept(query, read(query));
  }

  private RowReader.Query query(
      List<Integer> shards, Set<String> excluded, boolean retries, RelayWindow window, int limit) {
    long start = time.nanoTime();
    cursors.fullRescanIfDue(start);
    if (retries) {
      cursors.fullRescan();
    } else if (postgres != null && watermark.isStale(start)) {
      refreshWatermark(start);
    }
    long[] after = shards.stream().mapToLong(cursors::mark).toArray();
    // Thousands may be in memory of a destination that is left out anyway.
    List<OutboxRow> inMemory =
        window.rows().stream().filter(row -> !excluded.contains(row.destination())).toList();
    int perShard = Math.min(limit, Math.max(unionFetchSize, 2 * limit / shards.size()));
    return new RowReader.Query(
        shards, after, inMemory, excluded, retries, perShard, limit, budget.maxInlineBytes(limit));
  }

  private List<OutboxRow> read(RowReader.Query query) {
    return transactions.run("read", connection -> reader.read(connection, query));
  }

  private Found accept(RowReader.Query query, List<OutboxRow> rows) {
    cursors.rowsAddedUnseen();
    int perShard = query.each();
    boolean isEnd = rows.size() < query.limit();
    boolean cut = postgres == null && isEnd && isAnyShardFull(rows, perShard);
    unionFetchSize = cut ? Math.min(4 * perShard, MAX_RESCAN_FETCH_SIZE) : MIN_UNION_FETCH_SIZE;
    return new Found(rows, cut || !isEnd, query.limit());
  }

  /** Whether one shard has the maximum number of rows, so that there may be more of it. */
  private static boolean isAnyShardFull(List<OutboxRow> rows, int perShard) {
    Map<Integer, Integer> counts = new HashMap<>();
    rows.forEach(row -> counts.merge(row.shard(), 1, Integer::sum));
    return counts.values().stream().anyMatch(count -> count >= perShard);
  }

  /** Fetches the bodies of rows; returns the complete rows by id, without deleted ones. */
  Map<Long, OutboxRow> fetchBodies(List<OutboxRow> rows) {
    return transactions.single("read", connection -> bodyReader.read(connection, rows));
  }

  /** Whether this database supports {@link #readAhead}. */
  boolean canReadAhead() {
    return postgres != null;
  }

  /** Whether a read-ahead is in progress, or has ended and was not taken yet. */
  boolean isAhead() {
    return ahead.isBegun();
  }

  /** Whether a read-ahead is in progress that leaves out destinations. */
  boolean isAheadPastOthers() {
    return ahead.isExcluding();
  }

  /**
   * Begins a read-ahead without exclusions; none may be in progress.
   *
   * @param shards in this order
   * @param window rows to leave out
   * @param found rows of the last fetch, which are about to enter the window: left out too
   * @param limit the maximum number of rows
   */
  void readAhead(List<Integer> shards, RelayWindow window, List<OutboxRow> found, int limit) {
    PostgresRows messages = Objects.requireNonNull(postgres);
    Plan plan = plan(shards, window, found, limit);
    ahead.begin(
        Set.of(), cursors.rescans(), limit, () -> read(messages, plan), rows -> accept(plan, rows));
  }

  /**
   * Begins a read-ahead of the rows of other destinations than these; none may be in progress, and
   * no message may be waiting for its next attempt.
   *
   * @param shards in this order
   * @param excluded destinations to leave out
   * @param window rows to leave out
   * @param limit the maximum number of rows
   */
  void readAheadExcept(List<Integer> shards, Set<String> excluded, RelayWindow window, int limit) {
    RowReader.Query query = query(shards, excluded, false, window, limit);
    ahead.begin(excluded, cursors.rescans(), limit, () -> read(query), rows -> accept(query, rows));
  }

  /**
   * Takes the result of the read-ahead; null while it is in progress.
   *
   * @param retries whether messages may be waiting for their next attempt now
   * @param excluded the destinations that must be left out now
   * @throws RuntimeException if the read-ahead failed; or an {@link Error}
   */
  @Nullable Found takeReadAhead(boolean retries, Set<String> excluded) {
    return ahead.take(retries, excluded, cursors.rescans());
  }

  private Plan plan(List<Integer> shards, RelayWindow window, List<OutboxRow> found, int limit) {
    long start = time.nanoTime();
    cursors.fullRescanIfDue(start);
    if (watermark.isStale(start)) {
      refreshWatermark(start);
    }
    return new Plan(
        shards,
        shards.stream().mapToLong(cursors::after).toArray(),
        cursors.beyondCursors(window.rows(), found),
        Math.min(shardFetchSize, limit),
        limit,
        budget.maxInlineBytes(limit),
        watermark.upTo());
  }

  private List<OutboxRow> read(PostgresRows messages, Plan plan) {
    return transactions.single(
        "read",
        connection ->
            messages.read(
                connection,
                plan.shards(),
                plan.after(),
                plan.inMemory(),
                plan.perShard(),
                plan.limit(),
                plan.maxInlineBytes()));
  }

  private Found accept(Plan plan, List<OutboxRow> rows) {
    boolean full = rows.size() >= plan.perShard();
    cursors.fetched(plan.shards(), rows, plan.perShard(), plan.limit(), plan.watermark());
    int max = rescanning ? MAX_RESCAN_FETCH_SIZE : MAX_FETCH_SIZE;
    shardFetchSize = full ? Math.min(4 * shardFetchSize, max) : MIN_FETCH_SIZE;
    rescanning = false;
    return new Found(rows, full, plan.limit());
  }

  /** A row that was found is no longer in memory: the next fetch finds it again. */
  void rescan() {
    rescanning = true;
    cursors.rescan();
  }

  /** Rows may be at ids that were read already: the next fetch begins at the start. */
  void fullRescan() {
    cursors.fullRescan();
  }

  /** The database may be another server, an older copy or one that lost its last commits. */
  void afterFailure() {
    cursors.fullRescan();
    watermark.forget();
  }

  /**
   * Updates the cursors' marks and the watermark if that is due. All rows that were found must be
   * in the window or have been followed by a {@link #rescan}.
   */
  void updateMarks(RelayWindow window) {
    long start = time.nanoTime();
    if (start - lastMarks >= MARK_INTERVAL_NANOS) {
      cursors.raiseMarks(window.rows());
      lastMarks = start;
    }
    if (postgres != null && watermark.isDue(cursors.highestId(), start)) {
      refreshWatermark(start);
    }
  }

  private void refreshWatermark(long start) {
    try {
      boolean isOther =
          transactions.single(
              "read", connection -> watermark.read(connection, cursors.highestId()));
      if (isOther) {
        cursors.fullRescan();
      }
    } finally {
      watermark.readTook(start, time.nanoTime());
    }
  }
}
