package io.commslib.benchmarks.outbox;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import io.commslib.benchmarks.measure.CountingSink;
import io.commslib.benchmarks.measure.ProcessorTime;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.time.SystemRuntime;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxConfig;
import io.commslib.outbox.OutboxRelay;
import io.commslib.outbox.OutboxSchema;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.locks.LockSupport;
import java.util.function.LongSupplier;

/** A database with the outbox's tables and a business table, with methods to fill it. */
public final class OutboxTestbed implements AutoCloseable {

  public static final Destination DESTINATION = Destination.topic("bench");
  static final int SHARDS = 16;
  public static final int KEYS = 1_000;
  static final byte[] BODY = new byte[256];

  /** The half of a {@link #body} that all messages share. */
  private static final String BODY_TEXT =
      "{\"kind\":\"order placed\",\"channel\":\"storefront\",\"currency\":\"GBP\","
          + "\"country\":\"United Kingdom\",\"shipping\":\"standard\",\"lines\":12,\"id\":";

  public static final String MESSAGES = "\"outbox_message\"";

  final HikariDataSource pool;
  public final JdbcDatabase database;
  final JdbcTransactionRunner transactions;
  public final JdbcOutbox outbox;

  /** Wakes no relay: its rows stay until the next poll. */
  private final JdbcOutbox outboxWithoutWakeUp;

  private final SystemRuntime runtime = SystemRuntime.create();

  /** The relay that runs, if one does. */
  private OutboxRelay relay;

  public OutboxTestbed(String jdbcUrl, String user, String password) {
    this.pool = pool(jdbcUrl, user, password);
    this.database = JdbcDatabase.builder(pool).build();
    OutboxSchema.scripts().apply(database);
    execute(
        "CREATE TABLE IF NOT EXISTS business (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
            + " customer text NOT NULL, amount bigint NOT NULL, note text)");
    this.transactions = JdbcTransactionRunner.create(database);
    this.outbox = outbox(database);
    this.outboxWithoutWakeUp = outbox(database);
  }

  private static HikariDataSource pool(String jdbcUrl, String user, String password) {
    HikariConfig settings = new HikariConfig();
    settings.setJdbcUrl(jdbcUrl);
    settings.setUsername(user);
    settings.setPassword(password);
    settings.setMaximumPoolSize(32);
    settings.setMinimumIdle(12);
    return new HikariDataSource(settings);
  }

  private static OutboxConfig config() {
    return OutboxConfig.builder()
        .shards(SHARDS)
        .pollInterval(Duration.ofSeconds(59))
        .leaseTime(Duration.ofMinutes(5))
        .build();
  }

  public static JdbcOutbox outbox(JdbcDatabase on) {
    return JdbcOutbox.create(on, config());
  }

  /**
   * Runs work while a relay owns all shards. The relay polls so rarely that only a wake-up starts
   * it.
   */
  public <T> T withRelay(JdbcOutbox of, MessageTransport transport, Callable<T> work)
      throws Exception {
    relay = OutboxRelay.create(of, transport, runtime);
    relay.start();
    try {
      await(
          "relay owns all shards",
          () -> healthDetail("ownedShards").equals(Integer.toString(SHARDS)));
      return work.call();
    } finally {
      relay.close();
    }
  }

  public static void await(String what, java.util.function.BooleanSupplier condition) {
    long end = System.nanoTime() + 120_000_000_000L;
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new IllegalStateException(what + ": not within 120 s");
      }
      // Rarely enough to cost next to nothing beside a round of a second.
      LockSupport.parkNanos(1_000_000);
    }
  }

  /**
   * The body of a message that goes to a broker: 256 bytes, of which one half is the same in all
   * messages and the other differs, so that compression saves about half.
   */
  static byte[] body(int number) {
    try {
      byte[] hash =
          MessageDigest.getInstance("SHA-512")
              .digest(Integer.toString(number).getBytes(StandardCharsets.US_ASCII));
      return (BODY_TEXT + HexFormat.of().formatHex(hash)).getBytes(StandardCharsets.US_ASCII);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  public static Message message(int number) {
    return Message.builder("bench.happened")
        .id("m" + number)
        .key("k" + number % KEYS)
        .sharedBody(BODY)
        .build();
  }

  /**
   * Inserts rows as publish writes them, over 1,000 keys and all shards, in one statement. The
   * library writes a template row, which the server copies with a {@link #body} of its own. All
   * rows become visible at the same time.
   */
  public void preload(int rows) throws SQLException {
    execute("TRUNCATE " + MESSAGES);
    insertRows(rows, KEYS);
  }

  /** As {@link #preload}, into an empty table that may contain dead rows. */
  private void insertRows(int rows, int keys) throws SQLException {
    String copies =
        "WITH t AS (DELETE FROM "
            + MESSAGES
            + " RETURNING *) INSERT INTO "
            + MESSAGES
            + " (shard, destination, msg_key, payload, headers) SELECT n.key % "
            + SHARDS
            + ", t.destination, 'k' || n.key, convert_to('"
            + BODY_TEXT
            + "' || encode(sha512(convert_to(n.row::text, 'UTF8')), 'hex'), 'UTF8'), replace(replace(t.headers, 'ce_id:m0',"
            + " 'ce_id:m' || n.row), 'partitionkey:k0', 'partitionkey:k' || n.key) FROM t,"
            + " (SELECT row, row % "
            + keys
            + " AS key FROM generate_series(1, "
            + rows
            + ") AS row) AS n";
    // In one transaction, so that no relay reads the template.
    transactions.<Void, SQLException>run(
        tx -> {
          outboxWithoutWakeUp.publish(tx, DESTINATION, message(0));
          try (Statement statement = tx.unwrap(Connection.class).createStatement()) {
            statement.executeUpdate(copies);
          }
          return null;
        });
  }

  public long rowCount() {
    return queryLong("SELECT count(*) FROM " + MESSAGES);
  }

  public boolean isEmpty() {
    return queryLong("SELECT count(*) FROM (SELECT 1 FROM " + MESSAGES + " LIMIT 1) x") == 0;
  }

  /** Returns rows per second that a relay publishes from a preloaded table and deletes. */
  public double drain(int rows, CountingSink sink) throws Exception {
    return drain(rows, sink, new ProcessorTime());
  }

  public double drain(int rows, CountingSink sink, ProcessorTime processor) throws Exception {
    return withRelay(
        outbox,
        sink,
        () -> {
          execute("TRUNCATE " + MESSAGES);
          return addAndDrain(rows, KEYS, sink::messages, processor);
        });
  }

  /** Adds rows and measures how fast the running relay drains them. */
  public double addAndDrain(int rows, LongSupplier taken) throws SQLException {
    return addAndDrain(rows, KEYS, taken, new ProcessorTime());
  }

  public double addAndDrain(int rows, int keys, LongSupplier taken, ProcessorTime processor)
      throws SQLException {
    return addAndDrain(rows, keys, taken, () -> {}, processor);
  }

  /**
   * As {@link #addAndDrain(int, LongSupplier)}.
   *
   * @param ready called when the rows are stored, immediately before the time begins
   */
  public double addAndDrain(
      int rows, int keys, LongSupplier taken, Runnable ready, ProcessorTime processor)
      throws SQLException {
    long before = taken.getAsLong();
    insertRows(rows, keys);
    ready.run();
    processor.begin();
    long start = System.nanoTime();
    outbox.wake();
    await("all published", () -> taken.getAsLong() - before >= rows);
    awaitAllDeleted();
    double perSecond = rows * 1e9 / (System.nanoTime() - start);
    processor.end(rows);
    return perSecond;
  }

  /**
   * Waits until the relay has no rows in memory and its table is empty. The table is queried last,
   * since a query scans all dead rows and would compete with the relay for the processor.
   */
  public void awaitAllDeleted() {
    await("all deleted", () -> healthDetail("held").equals("0") && isEmpty());
  }

  private String healthDetail(String name) {
    return relay.health().details().getOrDefault(name, "");
  }

  public long logPosition() {
    return queryLong("SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint");
  }

  public long queryLong(String sql) {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  public void execute(String sql) {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    }
  }

  public static Map<String, String> serverSettings() {
    return Map.of(
        "fsync",
        "on",
        "synchronous_commit",
        "on",
        "shared_buffers",
        "2GB",
        "max_wal_size",
        "4GB",
        "max_connections",
        "100");
  }

  @Override
  public void close() {
    pool.close();
    runtime.close();
  }
}
