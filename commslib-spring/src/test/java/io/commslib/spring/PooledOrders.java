package io.commslib.spring;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.CommsException;
import io.commslib.core.Failures;
import io.commslib.core.WrongSessionException;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.TransactionContext;
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
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.function.Supplier;
import javax.sql.DataSource;

/**
 * A service that writes orders with a message each, a relay, and a service that writes an effect
 * for each message, behind a pooler. Each has connections of its own, as three processes have.
 */
final class PooledOrders implements AutoCloseable {

  private static final int WRITERS = 4;
  private static final Duration LIMIT = Duration.ofMinutes(2);

  private final DataSource direct;
  private final JdbcDatabase tables;
  private final HikariDataSource writerPool;
  private final HikariDataSource relayPool;
  private final HikariDataSource readerPool;
  private final JdbcTransactionRunner writing;
  private final JdbcOutbox outbox;
  private final SystemRuntime runtime = SystemRuntime.create();
  private final InMemoryTransport transport = InMemoryTransport.create();
  private final OutboxRelay relay;
  private final Set<String> failures = new ConcurrentSkipListSet<>();
  private volatile int written;

  PooledOrders(PgBouncerServer pooler, DataSource direct, String options) {
    this.direct = direct;
    this.tables = PoolerIT.schema("orders");
    Stores.makeTables(tables);
    TestDatabases.execute(
        direct,
        "CREATE TABLE " + tables.table("orders") + " (id text PRIMARY KEY)",
        "CREATE TABLE " + tables.table("effect") + " (id text)");
    this.writerPool = PoolerIT.pool(pooler, options, WRITERS);
    this.relayPool = PoolerIT.pool(pooler, options, 5);
    this.readerPool = PoolerIT.pool(pooler, options, 4);
    OutboxConfig config = OutboxConfig.builder().source("shop").build();
    JdbcDatabase writers = PoolerIT.on(writerPool, tables);
    this.writing = JdbcTransactionRunner.create(writers);
    this.outbox = started(() -> JdbcOutbox.create(writers, config));
    transport.declare(DestinationConfig.builder(Stores.ORDERS).build());
    subscribe(PoolerIT.on(readerPool, tables));
    JdbcDatabase relays = PoolerIT.on(relayPool, tables);
    JdbcOutbox relayed = started(() -> JdbcOutbox.create(relays, config));
    this.relay = OutboxRelay.create(relayed, transport, runtime);
    relay.start();
  }

  /** Creates a part of a service, which is started again if that fails. */
  private <T> T started(Supplier<T> part) {
    try {
      return part.get();
    } catch (WrongSessionException e) {
      failures.add(e.code());
      return part.get();
    }
  }

  private void subscribe(JdbcDatabase readers) {
    JdbcInbox inbox = started(() -> JdbcInbox.create(readers, InboxConfig.defaults()));
    transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(Stores.ORDERS)
                .workers(4)
                .transactional(JdbcTransactionRunner.create(readers), inbox)
                .build(),
            delivery -> {
              insert(delivery.transaction(), readers.table("effect"), delivery.message().id());
              return Settlement.done();
            });
  }

  /** Writes orders in one transaction each, and repeats those that fail. */
  void write(int count) throws Exception {
    int first = written;
    PoolerIT.inParallel(
        WRITERS,
        number -> {
          for (int i = first + number; i < first + count; i += WRITERS) {
            while (!writeOne(i)) {
              Thread.onSpinWait();
            }
          }
        });
    written += count;
  }

  /**
   * Writes more until a failure has a code. Which sessions the pooler shares is by chance, so each
   * round has new connections, whose names the sessions know from the connections before.
   */
  void writeUntilSeen(String code) throws Exception {
    for (int round = 0; round < 20 && !failures.contains(code); round++) {
      writerPool.getHikariPoolMXBean().softEvictConnections();
      write(200);
    }
  }

  /** Writes more, and checks that all of it is there. */
  void assertWrites(int more) throws Exception {
    int before = written;
    write(more);
    String reported = "count(*) FILTER (WHERE CAST(substr(id, 2) AS int) >= " + before + ")";
    assertThat(count(reported, "orders")).isEqualTo(more);
  }

  private boolean writeOne(int number) throws SQLException {
    String id = "o" + number;
    try {
      writing.<Void, SQLException>run(
          tx -> {
            insert(tx, tables.table("orders"), id);
            outbox.publish(
                tx,
                Stores.ORDERS,
                Message.builder("order").id(id).key("k" + number % 100).body(new byte[20]).build());
            return null;
          });
      return true;
    } catch (CommsException e) {
      failures.add(e.code());
      return false;
    } catch (SQLException e) {
      // It was committed although the commit's result was unknown.
      if ("23505".equals(e.getSQLState())) {
        return true;
      }
      throw new AssertionError(Failures.text(e), e);
    }
  }

  private static void insert(TransactionContext tx, String table, String id) throws SQLException {
    try (PreparedStatement insert =
        tx.unwrap(Connection.class).prepareStatement("INSERT INTO " + table + " VALUES (?)")) {
      insert.setString(1, id);
      insert.executeUpdate();
    }
  }

  /** Returns the codes of the writes, and of the starts of the services, that failed. */
  Set<String> failures() {
    return failures;
  }

  int effects() {
    return count("count(*)", "effect");
  }

  private int count(String what, String table) {
    return TestDatabases.number(direct, "SELECT " + what + " FROM " + tables.table(table));
  }

  /** Waits until all is done: none lost, none doubled, none dead-lettered. */
  void assertHandledOnce() {
    Await.until("handled", LIMIT, () -> effects() >= written);
    Await.until("deleted", LIMIT, () -> count("count(*)", "outbox_message") == 0);
    assertThat(count("count(*)", "orders")).as("written").isEqualTo(written);
    assertThat(count("count(DISTINCT id)", "effect")).as("not lost").isEqualTo(written);
    assertThat(effects()).as("not doubled").isEqualTo(written);
    assertThat(count("count(*)", "outbox_parked")).as("parked").isZero();
    assertThat(transport.deadLetters().list(Stores.ORDERS, "main", 10)).isEmpty();
  }

  @Override
  public void close() {
    relay.close();
    transport.close();
    runtime.close();
    writerPool.close();
    relayPool.close();
    readerPool.close();
  }
}
