package io.commslib.benchmarks.chaos.outbox;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ChaosTables;
import io.commslib.benchmarks.chaos.ChildJvm;
import io.commslib.core.messaging.Message;
import io.commslib.idempotency.InboxSchema;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxSchema;
import io.commslib.testkit.faults.CrashPoints;
import io.commslib.testkit.history.HistoryWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * One system under test on its own schema: a broker and a consumer that survive, child processes
 * that are killed, and tables from which the result is judged.
 */
final class OutboxTestSystem implements AutoCloseable {

  private static final AtomicInteger SYSTEMS = new AtomicInteger();
  private static final long POLL_NANOS = 50_000_000;

  private final ChaosDatabase server;
  private final String schema;
  private final long seed;
  private final Path folder;
  private final HikariDataSource pool;
  private final JdbcDatabase database;
  private final ChaosTables tables;
  private final ChaosConsumer consumer;
  private final ChaosBroker broker;
  private final Map<String, List<String>> receivedFrom = new ConcurrentHashMap<>();
  private final AtomicInteger receivedCount = new AtomicInteger();
  private final Map<String, ChildJvm> children = new LinkedHashMap<>();
  private final List<HistoryWriter> histories = new ArrayList<>();
  private int childrenStarted;

  /** The settings of a system. */
  record Settings(int poolSize, int workers, boolean withInbox, ChaosConsumer.Work work) {
    static final Settings DEFAULTS = new Settings(8, 4, true, delivery -> {});
  }

  OutboxTestSystem(ChaosDatabase server, long seed) throws IOException, SQLException {
    this(server, seed, Settings.DEFAULTS);
  }

  OutboxTestSystem(ChaosDatabase server, long seed, Settings settings)
      throws IOException, SQLException {
    this(server, seed, settings, null);
  }

  /**
   * Creates a system, with the table of messages on a separate disk unless {@code disk} is null.
   */
  OutboxTestSystem(ChaosDatabase server, long seed, Settings settings, @Nullable SmallDisk disk)
      throws IOException, SQLException {
    this.server = server;
    this.schema = "chaos_" + SYSTEMS.incrementAndGet();
    this.seed = seed;
    this.folder = Files.createTempDirectory("commslib-chaos");
    this.pool = server.pool(settings.poolSize());
    this.database = JdbcDatabase.builder(pool).schema(schema).build();
    if (disk == null) {
      OutboxSchema.scripts().apply(database);
    } else {
      disk.placeMessageTable(database);
    }
    InboxSchema.scripts().apply(database);
    this.tables = new ChaosTables(database);
    tables.create();
    this.consumer =
        new ChaosConsumer(database, settings.workers(), settings.withInbox(), settings.work());
    this.broker = new ChaosBroker(this::receive);
  }

  private void receive(String client, Message message) {
    receivedFrom
        .computeIfAbsent(
            message.id(), id -> java.util.Collections.synchronizedList(new ArrayList<>(1)))
        .add(client);
    receivedCount.incrementAndGet();
    consumer.accept(message);
  }

  JdbcDatabase database() {
    return database;
  }

  String schema() {
    return schema;
  }

  ChaosTables tables() {
    return tables;
  }

  ChaosBroker broker() {
    return broker;
  }

  ChaosConsumer consumer() {
    return consumer;
  }

  /** {@return by message id, the clients from which the broker has accepted it} */
  Map<String, List<String>> receivedFrom() {
    return receivedFrom;
  }

  /** {@return the number of messages that the broker has accepted, duplicates included} */
  int receivedCount() {
    return receivedCount.get();
  }

  /** Creates a writer in this process. */
  ChaosWriter writer(String name, JdbcDatabase through, ChaosWriter.Load load)
      throws IOException, SQLException {
    HistoryWriter history = HistoryWriter.open(folder.resolve(name + ".jsonl"), "chaos", name);
    histories.add(history);
    return new ChaosWriter(
        name,
        "h",
        JdbcOutbox.create(through, ChildSettings.config(2)),
        JdbcTransactionRunner.create(through),
        new ChaosTables(through),
        history,
        load,
        new Random(seed ^ name.hashCode()));
  }

  /** Starts a child process; does not wait until it is ready. */
  Child start(ChildSettings settings) {
    String name = "c" + ++childrenStarted;
    List<String> arguments = settings.arguments();
    arguments.add("name=" + name);
    arguments.add("url=" + server.url());
    arguments.add("user=" + server.user());
    arguments.add("schema=" + schema);
    arguments.add("broker=" + broker.port());
    arguments.add("seed=" + (seed + childrenStarted));
    arguments.add("history=" + folder.resolve(name + ".jsonl"));
    List<String> options = new ArrayList<>();
    options.add("-Xmx" + settings.heapMegabytes() + "m");
    if (!settings.crash().isEmpty()) {
      options.add("-D" + CrashPoints.PROPERTY + "=" + settings.crash());
    }
    ChildJvm jvm =
        ChildJvm.start(
            options, ChildMain.class.getName(), arguments, folder.resolve(name + ".log"));
    children.put(name, jvm);
    return new Child(name, jvm);
  }

  /**
   * A child process of this system.
   *
   * @param name its client name at the broker
   * @param jvm its process
   */
  record Child(String name, ChildJvm jvm) {

    Child awaitReady() {
      jvm.awaitLine(ChildMain.READY);
      return this;
    }
  }

  /** Kills a child; returns when the broker has processed all its requests. */
  void kill(Child child) {
    child.jvm().kill();
    broker.awaitEnd(child.name());
  }

  /** Ends all leases immediately; only for relays that are known to be dead. */
  void expireLeases() throws SQLException {
    tables.execute(
        "UPDATE "
            + database.table("outbox_shard")
            + " SET lease_until = TIMESTAMP '2020-01-01 00:00:00'");
    tables.execute("DELETE FROM " + database.table("outbox_node"));
  }

  /**
   * Waits until no rows are unfinished and every committed message has had its effect. Returns as
   * well when nothing has changed for the given time; what is missing then is counted as lost or
   * stuck.
   */
  void awaitQuiet(Duration stuckAfter) throws SQLException {
    long moved = System.nanoTime();
    String last = "";
    while (System.nanoTime() - moved < stuckAfter.toNanos()) {
      String now;
      try {
        long left = unfinishedRows();
        long orders = tables.orderCount();
        long effects = tables.effectCount();
        if (left == 0 && effects >= orders) {
          return;
        }
        now = left + " " + orders + " " + effects + " " + receivedCount.get();
      } catch (SQLException e) {
        now = e.toString();
      }
      if (!now.equals(last)) {
        last = now;
        moved = System.nanoTime();
      }
      LockSupport.parkNanos(POLL_NANOS);
    }
  }

  /** {@return the number of unfinished rows of the outbox} */
  long unfinishedRows() throws SQLException {
    return tables.rowCount("outbox_message")
        + tables.rowCount("outbox_delayed")
        + tables.rowCount("outbox_parked")
        + tables.rowCount("outbox_retry");
  }

  OutboxVerdict verdict() throws IOException, SQLException {
    histories.forEach(HistoryWriter::close);
    List<Path> files = new ArrayList<>();
    try (var all = Files.list(folder)) {
      all.filter(file -> file.toString().endsWith(".jsonl")).forEach(files::add);
    }
    return OutboxVerdict.of(this, files, folder.resolve("tables.jsonl"));
  }

  @Override
  public void close() throws IOException {
    for (ChildJvm child : children.values()) {
      child.kill();
    }
    consumer.close();
    broker.close();
    pool.close();
    histories.forEach(HistoryWriter::close);
    try (var files = Files.list(folder)) {
      for (Path file : files.toList()) {
        Files.delete(file);
      }
    }
    Files.delete(folder);
  }
}
