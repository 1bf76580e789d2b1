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

  private static final long BETWEEN_MARKS_NANOS = Duration.ofMillis(20).toNanos();
  private static final int MIN_WINDOW = 64;

  /** Rows of many shards are rows of many keys, and of each one may be with a broker. */
  private static final int MAX_WINDOW = 128;

  /**
   * Of each shard where all parts of a look are read before any is counted. A shard with more rows
   * than its share gets more as long as the others leave room.
   */
  private static final int MIN_UNION = 16;

  /** Where rows are given back, more of them must not hide what is behind. */
  private static final int MAX_WINDOW_OF_REFUSED = 1_000;

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
  private record Look(
      List<Integer> shards,
      long[] after,
      long[] held,
      int each,
      int limit,
      long inline,
      long settled,
      long resets) {}

  private final OutboxTransactions transactions;
  private final TimeSource time;
  private final RowReader reader;
  private final @Nullable PostgresRows postgres;
  private final ShardWatermark settled;
  private final ShardCursors cursors;
  private final RelayBackgroundTask thread;
  private final RelayFetchBudget budget;
  private final RowBodyReader bodies;
  private int shardWindow = MIN_WINDOW;
  private int unionWindow = MIN_UNION;
  private boolean refused;
  private long marksRaised;
  private @Nullable Look ahead;
  private RelayBackgroundTask.@Nullable Task<List<OutboxRow>> reading;

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
    this.thread = thread;
    this.budget = budget;
    this.bodies = new RowBodyReader(database);
    this.settled = new ShardWatermark(database, events);
    this.cursors = new ShardCursors(shards, time.nanoTime());
    this.marksRaised = time.nanoTime();
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
  Found look(
      List<Integer> shards, Set<String> unwanted, boolean retries, RelayWindow held, int limit) {
    if (postgres != null && !retries && unwanted.isEmpty()) {
      Look look = plan(shards, held, List.of(), limit);
      return took(look, read(postgres, look));
    }
    long start = time.nanoTime();
    cursors.castNet(start);
    if (retries) {
      cursors.forget();
    } else if (postgres != null && settled.isStale(start)) {
      learnWhatIsSettled(start);
    }
    long[] after = shards.stream().mapToLong(cursors::mark).toArray();
    // Thousands may be held of a destination that is left out anyway.
    List<OutboxRow> heldOfOthers =
        held.rows().stream().filter(row -> !unwanted.contains(row.destination())).toList();
    int each = Math.min(limit, Math.max(unionWindow, 2 * limit / shards.size()));
    RowReader.Query query =
        new RowReader.Query(
            shards, after, heldOfOthers, unwanted, retries, each, limit, budget.inline(limit));
    List<OutboxRow> rows = transactions.run("read", connection -> reader.read(connection, query));
    cursors.heldUnseen();
    boolean hasRoom = rows.size() < limit;
    boolean cut = postgres == null && hasRoom && isOneFull(rows, each);
    unionWindow = cut ? Math.min(4 * each, MAX_WINDOW_OF_REFUSED) : MIN_UNION;
    return new Found(rows, cut || !hasRoom, limit);
  }

  /** Whether as many rows of a shard were found as were wanted at most. */
  private static boolean isOneFull(List<OutboxRow> rows, int each) {
    Map<Integer, Integer> counts = new HashMap<>();
    rows.forEach(row -> counts.merge(row.shard(), 1, Integer::sum));
    return counts.values().stream().anyMatch(count -> count >= each);
  }

  /** Fetches the bodies of rows; returns the rows with them by id, without those that are gone. */
  Map<Long, OutboxRow> bodies(List<OutboxRow> rows) {
    return transactions.single("read", connection -> bodies.read(connection, rows));
  }

  /** Whether a look can be ahead. */
  boolean canReadAhead() {
    return postgres != null;
  }

  /** Whether a look is ahead: under way, or ended and not taken yet. */
  boolean isAhead() {
    return ahead != null;
  }

  /**
   * Begins a look at which nothing fails and nothing is left out; none may be ahead.
   *
   * @param shards in this order
   * @param held is left out
   * @param found by the last look, and about to be held: left out too
   * @param limit how many rows at most
   */
  void lookAhead(List<Integer> shards, RelayWindow held, List<OutboxRow> found, int limit) {
    PostgresRows messages = Objects.requireNonNull(postgres);
    Look look = plan(shards, held, found, limit);
    ahead = look;
    reading = thread.begin("reading ahead", () -> read(messages, look));
  }

  /**
   * Takes what the look ahead has found; null as long as it is under way.
   *
   * @param isPlain whether there is still nothing that fails or is to be left out
   * @throws RuntimeException what it failed with; or an {@link Error}
   */
  @Nullable Found arrived(boolean isPlain) {
    Look look = ahead;
    RelayBackgroundTask.Task<List<OutboxRow>> task = reading;
    if (look == null || task == null || !task.hasEnded()) {
      return null;
    }
    ahead = null;
    reading = null;
    List<OutboxRow> rows = task.result();
    boolean isVoid = !isPlain || look.resets() != cursors.resets();
    return isVoid ? new Found(List.of(), true, look.limit()) : took(look, rows);
  }

  private Look plan(List<Integer> shards, RelayWindow window, List<OutboxRow> found, int limit) {
    long start = time.nanoTime();
    cursors.castNet(start);
    if (settled.isStale(start)) {
      learnWhatIsSettled(start);
    }
    return new Look(
        shards,
        shards.stream().mapToLong(cursors::after).toArray(),
        cursors.beyond(window.rows(), found),
        Math.min(shardWindow, limit),
        limit,
        budget.inline(limit),
        settled.upTo(),
        cursors.resets());
  }

  private List<OutboxRow> read(PostgresRows messages, Look look) {
    return transactions.single(
        "read",
        connection ->
            messages.read(
                connection,
                look.shards(),
                look.after(),
                look.held(),
                look.each(),
                look.limit(),
                look.inline()));
  }

  private Found took(Look look, List<OutboxRow> rows) {
    boolean full = rows.size() >= look.each();
    cursors.looked(look.shards(), rows, look.each(), look.limit(), look.settled());
    int most = refused ? MAX_WINDOW_OF_REFUSED : MAX_WINDOW;
    shardWindow = full ? Math.min(4 * shardWindow, most) : MIN_WINDOW;
    refused = false;
    return new Found(rows, full, look.limit());
  }

  /** Something that was found is not held any more: the next look finds it again. */
  void again() {
    refused = true;
    cursors.reset();
  }

  /** Rows may be where none were expected: the next look begins at the start. */
  void fromTheStart() {
    cursors.forget();
  }

  /**
   * The database may be another one by now, an older copy or one that has lost its last commits.
   */
  void afterFailure() {
    cursors.forget();
    settled.forget();
  }

  /** Learns, now and then, below what no row can appear; asked when all that was found is held. */
  void learn(RelayWindow window) {
    long start = time.nanoTime();
    if (start - marksRaised >= BETWEEN_MARKS_NANOS) {
      cursors.raiseMarks(window.rows());
      marksRaised = start;
    }
    if (postgres != null && settled.isDue(cursors.highest(), start)) {
      learnWhatIsSettled(start);
    }
  }

  private void learnWhatIsSettled(long start) {
    try {
      boolean another =
          transactions.single("read", connection -> settled.look(connection, cursors.highest()));
      if (another) {
        cursors.forget();
      }
    } finally {
      settled.took(start, time.nanoTime());
    }
  }
}
