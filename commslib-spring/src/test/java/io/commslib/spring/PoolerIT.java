package io.commslib.spring;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.Failures;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.idempotency.InboxConfig;
import io.commslib.idempotency.JdbcInbox;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.TestDatabases;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxConfig;
import io.commslib.outbox.OutboxRelay;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.PgBouncerServer;
import io.commslib.testkit.servers.PostgresServer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class PoolerIT {

  private static final boolean FULL = "full".equals(System.getProperty("commslib.heap"));

  @Test
  void measure0() throws Exception {
    run("?prepareThreshold=0", 10_000, 1);
  }

  @Test
  void measure5() throws Exception {
    run("?prepareThreshold=5", 2_000, 1);
  }

  void run(String options, int count, int each) throws Exception {
    long t0 = System.nanoTime();
    Map<String, Integer> codes = new ConcurrentSkipListMap<>();
    try (PgBouncerServer pooler =
            PgBouncerServer.start(PostgresServer.shared(), Map.of("default_pool_size", "8"));
        SystemRuntime runtime = SystemRuntime.create();
        HikariDataSource direct = TestDatabases.postgres()) {
      String schema = "pool_" + System.nanoTime();
      JdbcDatabase plain = JdbcDatabase.builder(direct).schema(schema).build();
      Stores.makeTables(plain);
      TestDatabases.execute(
          direct,
          "CREATE TABLE " + plain.table("orders") + " (id text PRIMARY KEY)",
          "CREATE TABLE " + plain.table("effect") + " (id text)");
      try (HikariDataSource pool =
          TestDatabases.pool(pooler.jdbcUrl() + options, pooler.user(), pooler.password())) {
        JdbcDatabase database = JdbcDatabase.builder(pool).schema(schema).build();
        TransactionRunner transactions = JdbcTransactionRunner.create(database);
        InMemoryTransport transport = InMemoryTransport.create();
        transport.declare(DestinationConfig.builder(Stores.ORDERS).build());
        JdbcOutbox outbox = JdbcOutbox.create(database, OutboxConfig.builder().build());
        JdbcInbox inbox = JdbcInbox.create(database, InboxConfig.defaults());
        OutboxRelay relay = OutboxRelay.create(outbox, transport, runtime);
        Subscription subscription =
            transport
                .subscriber()
                .subscribe(
                    SubscriptionConfig.builder(Stores.ORDERS)
                        .transactional(transactions, inbox)
                        .workers(4)
                        .build(),
                    delivery -> {
                      insert(
                          delivery.transaction(),
                          database.table("effect"),
                          delivery.message().id());
                      return Settlement.done();
                    });
        relay.start();
        long t1 = System.nanoTime();
        ExecutorService writers = Executors.newFixedThreadPool(4);
        List<Future<?>> futures = new ArrayList<>();
        for (int w = 0; w < 4; w++) {
          int first = w;
          futures.add(
              writers.submit(
                  () -> {
                    for (int i = first; i < count; i += 4) {
                      String id = "m" + i;
                      while (true) {
                        try {
                          transactions.run(
                              tx -> {
                                insert(tx, database.table("orders"), id);
                                outbox.publish(
                                    tx,
                                    Stores.ORDERS,
                                    Message.builder("order")
                                        .id(id)
                                        .key("k" + Integer.parseInt(id.substring(1)) % 100)
                                        .body(new byte[20])
                                        .build());
                                return null;
                              });
                          break;
                        } catch (Exception e) {
                          String c =
                              Failures.known(e).map(x -> x.code()).orElse("raw")
                                  + " "
                                  + Failures.find(e, SQLException.class)
                                      .map(SQLException::getSQLState)
                                      .orElse("");
                          codes.merge(c, 1, Integer::sum);
                          if (c.contains("23505")) break;
                        }
                      }
                    }
                    return null;
                  }));
        }
        for (Future<?> f : futures) f.get();
        long t2 = System.nanoTime();
        Await.until(
            "all",
            Duration.ofMinutes(4),
            () ->
                TestDatabases.number(
                            direct, "SELECT count(DISTINCT id) FROM " + plain.table("effect"))
                        >= count
                    || TestDatabases.number(
                                direct, "SELECT count(*) FROM " + plain.table("outbox_message"))
                            == 0
                        && subscription
                                    .snapshot()
                                    .count(
                                        io.commslib.core.messaging.SubscriptionSnapshot.Count
                                            .IN_FLIGHT)
                                + subscription
                                    .snapshot()
                                    .count(
                                        io.commslib.core.messaging.SubscriptionSnapshot.Count
                                            .WAITING)
                            == 0);
        long t3 = System.nanoTime();
        System.err.println(
            options
                + " start "
                + (t1 - t0) / 1000000
                + " write "
                + (t2 - t1) / 1000000
                + " rest "
                + (t3 - t2) / 1000000);
        System.err.println(codes);
        System.err.println(
            "effects "
                + TestDatabases.number(
                    direct, "SELECT count(DISTINCT id) FROM " + plain.table("effect"))
                + " "
                + TestDatabases.number(direct, "SELECT count(*) FROM " + plain.table("effect"))
                + " orders "
                + TestDatabases.number(direct, "SELECT count(*) FROM " + plain.table("orders"))
                + " left "
                + TestDatabases.number(
                    direct, "SELECT count(*) FROM " + plain.table("outbox_message"))
                + " letters "
                + transport.deadLetters().list(Stores.ORDERS, "main", 1000).size());
        System.err.println(subscription.snapshot());
        relay.drain(Duration.ofSeconds(5));
        relay.close();
        transport.close();
        writers.shutdown();
      }
    }
  }

  private static void insert(TransactionContext tx, String table, String id) throws SQLException {
    try (PreparedStatement insert =
        tx.unwrap(Connection.class).prepareStatement("INSERT INTO " + table + " VALUES (?)")) {
      insert.setString(1, id);
      insert.executeUpdate();
    }
  }
}
