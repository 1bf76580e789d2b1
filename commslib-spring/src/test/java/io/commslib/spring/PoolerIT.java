package io.commslib.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.Failures;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.TestDatabases;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.PgBouncerServer;
import io.commslib.testkit.servers.PostgresServer;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.postgresql.PGConnection;

/**
 * Outbox, relay, inbox and the other stores behind PgBouncer in transaction mode: it has fewer
 * server connections than clients, so that transactions of one client run in different sessions.
 * The whole size runs with {@code -Dcommslib.heap=full}.
 */
class PoolerIT {

  static final String WITHOUT_NAMES = "?prepareThreshold=0";

  /** The driver gives names to its statements from the fifth use on. */
  static final String DRIVERS_DEFAULT = "";

  private static final boolean FULL = "full".equals(System.getProperty("commslib.heap"));

  private static PgBouncerServer pooler;
  private static HikariDataSource direct;

  @BeforeAll
  static void open() {
    direct = TestDatabases.postgres();
    pooler = PgBouncerServer.start(PostgresServer.shared(), Map.of("default_pool_size", "4"));
  }

  @AfterAll
  static void close() {
    pooler.close();
    direct.close();
  }

  @Test
  void aPoolerDeadLettersNothing() throws Exception {
    try (PooledOrders orders = new PooledOrders(pooler, direct, WITHOUT_NAMES)) {
      orders.write(FULL ? 10_000 : 1_500);
      orders.assertHandledOnce();
      assertThat(orders.failures()).isEmpty();
    }
  }

  /**
   * Until then another client's statement may run in place of one's own, so that nothing is certain
   * of what was written before.
   */
  @Test
  void afterTheFirstFailureOfTheDriversDefaultAWriterWritesWhatItReports() throws Exception {
    try (PooledOrders orders = new PooledOrders(pooler, direct, DRIVERS_DEFAULT)) {
      orders.write(2_000);
      orders.writeUntilSeen("COMMS-JDBC-018");
      assertThat(orders.failures()).contains("COMMS-JDBC-018");
      orders.assertWrites(1_000);
    }
  }

  @Test
  void aPoolerThatIsKilledUnderWayLosesNothing() throws Exception {
    try (PgBouncerServer own =
            PgBouncerServer.start(PostgresServer.shared(), Map.of("default_pool_size", "4"));
        PooledOrders orders = new PooledOrders(own, direct, WITHOUT_NAMES)) {
      ExecutorService other = Executors.newSingleThreadExecutor();
      try {
        Future<?> written =
            other.submit(
                () -> {
                  orders.write(600);
                  return null;
                });
        for (int handled : List.of(100, 300)) {
          Await.until("under way", () -> orders.effects() >= handled);
          own.kill();
          own.restart();
        }
        written.get();
      } finally {
        other.shutdown();
      }
      orders.assertHandledOnce();
    }
  }

  /** Requests, blocked keys, sagas, locks and leases, through the library's runner and Spring's. */
  @ParameterizedTest
  @ValueSource(strings = {WITHOUT_NAMES, DRIVERS_DEFAULT})
  void everyStoreWorksBehindAPooler(String options) throws Exception {
    JdbcDatabase tables = schema("stores");
    Stores.makeTables(tables);
    try (HikariDataSource pool = pool(pooler, options, 12)) {
      JdbcDatabase database = on(pool, tables);
      List<TransactionRunner> runners =
          List.of(
              JdbcTransactionRunner.create(database),
              SpringTransactionRunner.create(Managers.JDBC.on(pool), database));
      Set<String> codes = ConcurrentHashMap.newKeySet();
      try (Stores stores = new Stores(database)) {
        inParallel(
            4,
            number -> {
              for (int round = 0; round < 5; round++) {
                for (Stores.Operation operation : stores.operations().values()) {
                  repeat(runners.get(number % runners.size()), operation, codes);
                }
              }
            });
      }
      assertThat(codes).isSubsetOf(options.isEmpty() ? Set.of("COMMS-JDBC-018") : Set.of());
      assertDriversSetting(pool, options.isEmpty() ? 5 : 0);
    }
  }

  /** Checks that every connection was given back with it, through each runner. */
  private static void assertDriversSetting(HikariDataSource pool, int threshold)
      throws SQLException {
    List<Connection> all = new ArrayList<>();
    try {
      while (all.size() < pool.getMaximumPoolSize()) {
        all.add(pool.getConnection());
      }
      for (Connection each : all) {
        assertThat(each.unwrap(PGConnection.class).getPrepareThreshold()).isEqualTo(threshold);
      }
    } finally {
      for (Connection each : all) {
        each.close();
      }
    }
  }

  /** Another isolation of the database is set inside of each transaction. */
  @Test
  void theIsolationOfATransactionReachesNoOtherClient() throws Exception {
    JdbcDatabase tables = schema("isolation");
    String usual = "ALTER ROLE CURRENT_USER SET default_transaction_isolation = ";
    TestDatabases.execute(direct, usual + "'repeatable read'");
    try (PgBouncerServer strict =
            PgBouncerServer.start(PostgresServer.shared(), Map.of("default_pool_size", "1"));
        HikariDataSource pool = pool(strict, WITHOUT_NAMES, 2)) {
      JdbcDatabase database = on(pool, tables);
      for (TransactionRunner runner :
          List.of(
              JdbcTransactionRunner.create(database),
              SpringTransactionRunner.create(Managers.JDBC.on(pool), database))) {
        assertThat(runner.<String, SQLException>run(PoolerIT::isolation))
            .isEqualTo("read committed");
        try (Connection other = pool.getConnection()) {
          assertThat(isolation(other)).isEqualTo("repeatable read");
        }
      }
    } finally {
      TestDatabases.execute(direct, usual + "DEFAULT");
    }
  }

  private static String isolation(TransactionContext tx) throws SQLException {
    return isolation(tx.unwrap(Connection.class));
  }

  private static String isolation(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        var row = statement.executeQuery("SHOW transaction_isolation")) {
      row.next();
      return row.getString(1);
    }
  }

  private static void repeat(
      TransactionRunner runner, Stores.Operation operation, Set<String> codes) throws Exception {
    for (int attempt = 1; ; attempt++) {
      try {
        runner.<Void, Exception>run(
            tx -> {
              operation.run(tx);
              return null;
            });
        return;
      } catch (RuntimeException e) {
        codes.add(Failures.known(e).orElseThrow(() -> e).code());
        if (attempt == 20) {
          throw e;
        }
      }
    }
  }

  /** Work of one of several threads. */
  interface Share {
    void run(int number) throws Exception;
  }

  static void inParallel(int threads, Share share) throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(threads);
    try {
      List<Future<?>> results = new ArrayList<>();
      for (int i = 0; i < threads; i++) {
        int number = i;
        results.add(
            pool.submit(
                () -> {
                  share.run(number);
                  return null;
                }));
      }
      for (Future<?> result : results) {
        result.get();
      }
    } finally {
      pool.shutdownNow();
    }
  }

  /** Creates an empty schema, through no pooler. */
  static JdbcDatabase schema(String name) {
    JdbcDatabase database =
        JdbcDatabase.builder(direct).schema(name + "_" + System.nanoTime()).build();
    TestDatabases.execute(direct, "CREATE SCHEMA " + database.table("x").replaceAll("\\..*", ""));
    return database;
  }

  static HikariDataSource pool(PgBouncerServer pooler, String options, int connections) {
    return TestDatabases.pool(
        pooler.jdbcUrl() + options, pooler.user(), pooler.password(), connections, 10_000);
  }

  /** The same schema on other connections. */
  static JdbcDatabase on(HikariDataSource pool, JdbcDatabase tables) {
    String schema = tables.table("x").replaceAll("\\..*|\"", "");
    return JdbcDatabase.builder(pool).schema(schema).build();
  }
}
