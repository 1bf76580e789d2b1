package io.commslib.outbox;

import io.commslib.core.time.TimeSource;
import io.commslib.jdbc.JdbcDatabase;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Finds the rows to be published next: of each shard the oldest that are not held, in order. No
 * look passes a row by that a later look could find before a later one of its key. Confined to the
 * relay's thread.
 */
final class NextRows {

  private static final long BETWEEN_MARKS_NANOS = Duration.ofMillis(5).toNanos();
  private static final int MIN_WINDOW = 64;
  private static final int MAX_WINDOW = 1_000;

  /**
   * What a look found.
   *
   * @param rows in ascending order within a key
   * @param full whether there may be more behind them
   */
  record Found(List<OutboxRow> rows, boolean full) {}

  private final OutboxTransactions transactions;
  private final TimeSource time;
  private final RowReader reader;
  private final @Nullable PostgresRows postgres;
  private final SettledIds settled;
  private final ShardCursors cursors;
  private int shardWindow = MIN_WINDOW;
  private long marksRaised;

  NextRows(
      JdbcDatabase database,
      int shards,
      OutboxTransactions transactions,
      @Nullable PostgresRows postgres,
      TimeSource time) {
    this.transactions = transactions;
    this.time = time;
    this.reader = new RowReader(database);
    this.postgres = postgres;
    this.settled = new SettledIds(database);
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
      return lookPlainly(postgres, shards, held, limit);
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
    RowReader.Query query =
        new RowReader.Query(shards, after, heldOfOthers, unwanted, retries, limit);
    List<OutboxRow> rows = transactions.run("read", connection -> reader.read(connection, query));
    return new Found(rows, rows.size() >= limit);
  }

  /** Nothing fails and nothing is left out: the way it is nearly always. */
  private Found lookPlainly(
      PostgresRows messages, List<Integer> shards, RelayWindow window, int limit) {
    long start = time.nanoTime();
    cursors.castNet(start);
    if (settled.isStale(start)) {
      learnWhatIsSettled(start);
    }
    long[] after = shards.stream().mapToLong(cursors::after).toArray();
    long[] held = cursors.beyond(window.rows());
    int each = Math.min(shardWindow, limit);
    List<OutboxRow> rows =
        transactions.single(
            "read", connection -> messages.read(connection, shards, after, held, each, limit));
    boolean full = rows.size() >= each;
    cursors.looked(shards, rows, each, limit, settled.upTo());
    shardWindow = full ? Math.min(4 * shardWindow, MAX_WINDOW) : MIN_WINDOW;
    return new Found(rows, full);
  }

  /** Something that was found is not held any more: the next look finds it again. */
  void again() {
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
