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
 * Finds the rows to be published next: of each shard the oldest that are not held, in order. No
 * look passes a row by that a later look could find before a later one of its key. On PostgreSQL
 * one look may be ahead: under way, on a thread of its own, while what the last one found is
 * published. What it finds is void once anything has been given back meanwhile. Confined to the
 * relay's thread.
 */
final class RelayFetcher {

  private static final long MARK_INTERVAL_NANOS = Duration.ofMillis(20).toNanos();
  private static final int MIN_FETCH_SIZE = 64;

  /** Rows of many shards are rows of many keys, and of each one may be with a broker. */
  private static final int MAX_FETCH_SIZE = 128;

  /**
   * Of each shard where all parts of a look are read before any is counted. A shard with more rows
   * than its share gets more as long as the others leave room.
   */
  private static final int MIN_UNION_FETCH_SIZE = 16;

  /** Where rows are given back, more of them must not hide what is behind. */
  private static final int MAX_RESCAN_FETCH_SIZE = 1_000;

  /**
   * What a look found.
   *
   * @param rows in ascending order within a key
   * @param full whether there may be more behind them
   * @param limit how many were wanted at most
   */
  record Found(List<OutboxRow> rows, boolean full, int limit) {}

  /**
   * A look at which nothing fails and nothing is left out: the way it is nearly always.
   *
   * @param shards in this order
   * @param after behind which id of each to begin
   * @param held ids to leave out
   * @param each how many of a shard at most
   * @param limit how many at most
   * @param inline up to which size bodies are read too
   * @param settled no row with this id or a lower one can appear any more
   * @param resets of the cursors when this was planned
   */
  private record Plan(
      List<Integer> shards,
      long[] after,
      long[] inMemory,
      int perShard,
      int limit,
      long maxInlineBytes,
      long watermark,
      long rescans) {}

  private final OutboxTransactions transactions;
  private final TimeSource time;
  private final RowReader reader;
  private final @Nullable PostgresRows postgres;
  private final ShardWatermark watermark;
  private final ShardCursors cursors;
  private final RelayBackgroundTask aheadThread;
  private final RelayFetchBudget budget;
  private final RowBodyReader fetchBodies;
  private int shardFetchSize = MIN_FETCH_SIZE;
  private int unionFetchSize = MIN_UNION_FETCH_SIZE;
  private boolean rescanning;
  private long lastMarks;
  private @Nullable Plan aheadPlan;
  private RelayBackgroundTask.@Nullable Task<List<OutboxRow>> aheadTask;

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
    this.aheadThread = thread;
    this.budget = budget;
    this.fetchBodies = new RowBodyReader(database);
    this.watermark = new ShardWatermark(database, events);
    this.cursors = new ShardCursors(shards, time.nanoTime());
    this.lastMarks = time.nanoTime();
  }

  /**
   * Looks.
   *
   * @param shards in this order
   * @param unwanted destinations to leave out
   * @param retries whether messages may be waiting for their next attempt
   * @param held is left out
   * @param limit how many rows at most
   */
  Found fetch(
      List<Integer> shards, Set<String> unwanted, boolean retries, RelayWindow held, int limit) {
    if (postgres != null && !retries && unwanted.isEmpty()) {
      Plan look = plan(shards, held, List.of(), limit);
      return accept(look, read(postgres, look));
    }
    long start = time.nanoTime();
    cursors.fullRescanIfDue(start);
    if (retries) {
      cursors.fullRescan();
    } else if (postgres != null && watermark.isStale(start)) {
      refreshWatermark(start);
    }
    long[] after = shards.stream().mapToLong(cursors::mark).toArray();
    // Thousands may be held of a destination that is left out anyway.
    List<OutboxRow> heldOfOthers =
        held.rows().stream().filter(row -> !unwanted.contains(row.destination())).toList();
    int each = Math.min(limit, Math.max(unionFetchSize, 2 * limit / shards.size()));
    RowReader.Query query =
        new RowReader.Query(
            shards,
            after,
            heldOfOthers,
            unwanted,
            retries,
            each,
            limit,
            budget.maxInlineBytes(limit));
    List<OutboxRow> rows = transactions.run("read", connection -> reader.read(connection, query));
    cursors.rowsAddedUnseen();
    boolean hasRoom = rows.size() < limit;
    boolean cut = postgres == null && hasRoom && isAnyShardFull(rows, each);
    unionFetchSize = cut ? Math.min(4 * each, MAX_RESCAN_FETCH_SIZE) : MIN_UNION_FETCH_SIZE;
    return new Found(rows, cut || !hasRoom, limit);
  }

  /** Whether as many rows of a shard were found as were wanted at most. */
  private static boolean isAnyShardFull(List<OutboxRow> rows, int each) {
    Map<Integer, Integer> counts = new HashMap<>();
    rows.forEach(row -> counts.merge(row.shard(), 1, Integer::sum));
    return counts.values().stream().anyMatch(count -> count >= each);
  }

  /** Fetches the bodies of rows; returns the rows with them by id, without those that are gone. */
  Map<Long, OutboxRow> fetchBodies(List<OutboxRow> rows) {
    return transactions.single("read", connection -> fetchBodies.read(connection, rows));
  }

  /** Whether a look can be ahead. */
  boolean canReadAhead() {
    return postgres != null;
  }

  /** Whether a look is ahead: under way, or ended and not taken yet. */
  boolean isAhead() {
    return aheadPlan != null;
  }

  /**
   * Begins a look at which nothing fails and nothing is left out; none may be ahead.
   *
   * @param shards in this order
   * @param held is left out
   * @param found by the last look, and about to be held: left out too
   * @param limit how many rows at most
   */
  void readAhead(List<Integer> shards, RelayWindow held, List<OutboxRow> found, int limit) {
    PostgresRows messages = Objects.requireNonNull(postgres);
    Plan look = plan(shards, held, found, limit);
    aheadPlan = look;
    aheadTask = aheadThread.begin("reading ahead", () -> read(messages, look));
  }

  /**
   * Takes what the look ahead has found; null as long as it is under way.
   *
   * @param isPlain whether there is still nothing that fails or is to be left out
   * @throws RuntimeException what it failed with; or an {@link Error}
   */
  @Nullable Found takeReadAhead(boolean isPlain) {
    Plan look = aheadPlan;
    RelayBackgroundTask.Task<List<OutboxRow>> task = aheadTask;
    if (look == null || task == null || !task.hasEnded()) {
      return null;
    }
    aheadPlan = null;
    aheadTask = null;
    List<OutboxRow> rows = task.result();
    boolean isVoid = !isPlain || look.rescans() != cursors.rescans();
    return isVoid ? new Found(List.of(), true, look.limit()) : accept(look, rows);
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
        watermark.upTo(),
        cursors.rescans());
  }

  private List<OutboxRow> read(PostgresRows messages, Plan look) {
    return transactions.single(
        "read",
        connection ->
            messages.read(
                connection,
                look.shards(),
                look.after(),
                look.inMemory(),
                look.perShard(),
                look.limit(),
                look.maxInlineBytes()));
  }

  private Found accept(Plan look, List<OutboxRow> rows) {
    boolean full = rows.size() >= look.perShard();
    cursors.fetched(look.shards(), rows, look.perShard(), look.limit(), look.watermark());
    int most = rescanning ? MAX_RESCAN_FETCH_SIZE : MAX_FETCH_SIZE;
    shardFetchSize = full ? Math.min(4 * shardFetchSize, most) : MIN_FETCH_SIZE;
    rescanning = false;
    return new Found(rows, full, look.limit());
  }

  /** Something that was found is not held any more: the next look finds it again. */
  void rescan() {
    rescanning = true;
    cursors.rescan();
  }

  /** Rows may be where none were expected: the next look begins at the start. */
  void fullRescan() {
    cursors.fullRescan();
  }

  /**
   * The database may be another one by now, an older copy or one that has lost its last commits.
   */
  void afterFailure() {
    cursors.fullRescan();
    watermark.forget();
  }

  /** Learns, now and then, below what no row can appear; asked when all that was found is held. */
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
      boolean another =
          transactions.single(
              "read", connection -> watermark.read(connection, cursors.highestId()));
      if (another) {
        cursors.fullRescan();
      }
    } finally {
      watermark.readTook(start, time.nanoTime());
    }
  }
}
