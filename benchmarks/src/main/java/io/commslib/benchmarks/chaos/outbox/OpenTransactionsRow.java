package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.testkit.history.MessageTrace;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;

/**
 * Writers that keep their transactions open. A naive reader, which remembers the greatest id it has
 * read, runs beside the relay. It must lose messages, or the row proves nothing.
 */
final class OpenTransactionsRow {

  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final int WRITERS = 16;

  private OpenTransactionsRow() {}

  static OutboxRowResult run(RowEnvironment environment) throws Exception {
    try (ChaosDatabase server = environment.database()) {
      return run(
          server,
          environment.seed(),
          environment.bySize(3_000, 20_000, 100_000),
          Duration.ofMillis(500));
    }
  }

  static OutboxRowResult run(ChaosDatabase server, long seed, int messages, Duration hold)
      throws Exception {
    List<String> unmet = new ArrayList<>();
    OutboxTestSystem.Settings settings =
        new OutboxTestSystem.Settings(WRITERS + 8, 4, true, delivery -> {});
    try (OutboxTestSystem system = new OutboxTestSystem(server, seed, settings)) {
      system.start(ChildSettings.relay()).awaitReady();
      NaiveReader naive = new NaiveReader(system.database());
      try (WriterThreads writers =
          new WriterThreads(
              system,
              system.database(),
              WRITERS,
              messages,
              new ChaosWriter.Load(20, 100, 5, 0, 0, hold))) {
        while (writers.isRunning()) {
          naive.read();
          LockSupport.parkNanos(2_000_000);
        }
        writers.join();
      }
      naive.read();
      system.awaitQuiet(STUCK);
      Set<String> missed = new HashSet<>();
      for (MessageTrace order : system.tables().orders()) {
        missed.add(order.id());
      }
      missed.removeAll(naive.seen);
      if (missed.isEmpty()) {
        unmet.add("the naive reader lost nothing: the row proves nothing");
      }
      return new OutboxRowResult(
          system.verdict(), Map.of("lostByNaiveReader", (long) missed.size()), unmet);
    }
  }

  /** Reads the business rows with an id greater than the last one read. */
  private static final class NaiveReader {
    final Set<String> seen = new HashSet<>();
    private final JdbcDatabase database;
    private long greatest;

    NaiveReader(JdbcDatabase database) {
      this.database = database;
    }

    void read() throws SQLException {
      try (Connection connection = database.dataSource().getConnection();
          PreparedStatement select =
              connection.prepareStatement(
                  "SELECT n, id FROM "
                      + database.table("chaos_order")
                      + " WHERE n > ? ORDER BY n")) {
        select.setLong(1, greatest);
        try (ResultSet row = select.executeQuery()) {
          while (row.next()) {
            greatest = row.getLong(1);
            seen.add(row.getString(2));
          }
        }
      }
    }
  }
}
