package io.commslib.benchmarks.outbox;

import io.commslib.core.messaging.Message;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** The floors: the same work in plain JDBC without a library. */
public final class RawOutbox {

  private static final int BATCH = 500;
  private final OutboxTestbed testbed;

  public RawOutbox(OutboxTestbed testbed) {
    this.testbed = testbed;
  }

  /** Returns rows per second of one thread that reads owned shards and deletes by list of ids. */
  public double drain(int rows) throws SQLException {
    testbed.preload(rows);
    testbed.execute(
        "CREATE TABLE IF NOT EXISTS raw_shard (shard smallint PRIMARY KEY, epoch bigint)");
    testbed.execute(
        "INSERT INTO raw_shard SELECT n, 1 FROM generate_series(0, "
            + (OutboxTestbed.SHARDS - 1)
            + ") n ON CONFLICT DO NOTHING");
    long bytes = 0;
    int read = 0;
    try (Connection connection = testbed.pool.getConnection()) {
      connection.setAutoCommit(false);
      long start = System.nanoTime();
      for (int shard = 0; shard < OutboxTestbed.SHARDS; shard++) {
        long last = 0;
        List<Long> ids = new ArrayList<>(BATCH);
        do {
          ids.clear();
          try (PreparedStatement select =
              connection.prepareStatement(
                  "SELECT shard, id, destination, msg_key, payload, headers, created_at FROM "
                      + OutboxTestbed.MESSAGES
                      + " WHERE shard = ? AND id > ? ORDER BY id LIMIT "
                      + BATCH)) {
            select.setShort(1, (short) shard);
            select.setLong(2, last);
            try (ResultSet row = select.executeQuery()) {
              while (row.next()) {
                last = row.getLong(2);
                ids.add(last);
                bytes += row.getInt(1) + row.getString(3).length() + row.getString(4).length();
                bytes += row.getBytes(5).length + row.getString(6).length();
                bytes += row.getTimestamp(7).getNanos();
              }
            }
          }
          if (!ids.isEmpty()) {
            delete(connection, shard, ids);
          }
          connection.commit();
          read += ids.size();
        } while (ids.size() == BATCH);
      }
      double rate = rows * 1e9 / (System.nanoTime() - start);
      connection.setAutoCommit(true);
      if (read != rows || bytes == 0) {
        throw new IllegalStateException("rows read: " + read + " (expected: " + rows + ")");
      }
      return rate;
    }
  }

  private static void delete(Connection connection, int shard, List<Long> ids) throws SQLException {
    try (PreparedStatement delete =
        connection.prepareStatement(
            "DELETE FROM "
                + OutboxTestbed.MESSAGES
                + " m USING raw_shard s WHERE s.shard = m.shard AND s.epoch = 1 AND m.shard = ?"
                + " AND m.id = ANY(?)")) {
      delete.setShort(1, (short) shard);
      delete.setArray(2, connection.createArrayOf("bigint", ids.toArray()));
      delete.executeUpdate();
    }
  }

  /** One unit of a producer's work, with its own connection, for one message number. */
  public interface Step {
    void run(Connection connection, int number) throws Exception;
  }

  /**
   * Runs a step for each message on several threads, each with its connection; returns nanoseconds.
   */
  public long produce(int messages, int threads, Step step) throws Exception {
    ExecutorService workers = Executors.newFixedThreadPool(threads);
    try {
      List<Callable<Void>> tasks = new ArrayList<>();
      for (int thread = 0; thread < threads; thread++) {
        int first = thread;
        tasks.add(
            () -> {
              try (Connection connection = testbed.pool.getConnection()) {
                connection.setAutoCommit(false);
                for (int n = first; n < messages; n += threads) {
                  step.run(connection, n);
                }
                connection.setAutoCommit(true);
              }
              return null;
            });
      }
      long start = System.nanoTime();
      for (Future<Void> future : workers.invokeAll(tasks)) {
        future.get();
      }
      return System.nanoTime() - start;
    } finally {
      workers.shutdown();
    }
  }

  public static void insertBusiness(Connection connection, int number) throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement(
            "INSERT INTO business (customer, amount, note) VALUES (?, ?, ?)")) {
      insert.setString(1, "customer " + number % 1_000);
      insert.setLong(2, number);
      insert.setString(3, "an order like any other");
      insert.executeUpdate();
    }
  }

  public static void commitBusiness(Connection connection, int number) throws SQLException {
    insertBusiness(connection, number);
    connection.commit();
  }

  /** Inserts business and outbox row with two prepared statements, and commits. */
  static void commitBusinessAndRow(Connection connection, int number, String headers)
      throws SQLException {
    insertBusiness(connection, number);
    Message message = OutboxTestbed.message(number);
    try (PreparedStatement insert =
        connection.prepareStatement(
            "INSERT INTO "
                + OutboxTestbed.MESSAGES
                + " (shard, destination, msg_key, payload, headers) VALUES (?, ?, ?, ?, ?)")) {
      insert.setShort(1, (short) (number % 1_000 % OutboxTestbed.SHARDS));
      insert.setString(2, "topic:bench");
      insert.setString(3, message.key().orElseThrow());
      insert.setBytes(4, message.sharedBody());
      insert.setString(5, headers);
      insert.executeUpdate();
    }
    connection.commit();
  }
}
