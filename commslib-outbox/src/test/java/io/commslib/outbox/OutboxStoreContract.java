package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.SystemRuntime;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.JdbcTransactions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What every outbox store and its relay must do; run on each database. */
public abstract class OutboxStoreContract {

  private static final Destination ORDERS = Destination.queue("orders");
  private static final Destination OTHER = Destination.queue("other");
  private static final AtomicInteger SCHEMAS = new AtomicInteger();

  private final SystemRuntime runtime = SystemRuntime.create();
  private final RecordingTransport transport = new RecordingTransport();
  private final List<OutboxRelay> relays = new ArrayList<>();
  private final String schema = "outbox_" + SCHEMAS.incrementAndGet();
  private JdbcDatabase database;
  private JdbcTransactionRunner transactions;
  private OutboxConfig config;
  private JdbcOutbox outbox;

  /** Returns the database under test; each test uses a schema of its own in it. */
  protected abstract DataSource dataSource();

  /** Returns another pool of connections to the same database; the test closes it. */
  protected abstract HikariDataSource ownPool();

  @BeforeEach
  void freshSchema() {
    database = JdbcDatabase.builder(dataSource()).schema(schema).build();
    OutboxSchema.scripts().apply(database);
    transactions = JdbcTransactionRunner.create(database);
    configure(
        OutboxConfig.builder()
            .shards(8)
            .leaseTime(Duration.ofSeconds(5))
            .pollInterval(Duration.ofMillis(50))
            .backoff(Backoff.exponential(Duration.ofMillis(20), Duration.ofMillis(100))));
  }

  private void configure(OutboxConfig.Builder builder) {
    config = builder.build();
    outbox = JdbcOutbox.create(database, config);
  }

  @AfterEach
  void close() {
    relays.forEach(OutboxRelay::close);
    runtime.close();
  }

  @Test
  void publishesWhatCommittedAndDeletesTheRow() {
    startRelay();
    write("m1", "k");
    Await.until("m1 published", () -> transport.ids().contains("m1"));
    Await.until("row gone", () -> rows("outbox_message") == 0);
    Message published = transport.message("m1");
    assertThat(published.key()).contains("k");
    assertThat(published.headers()).containsEntry("tenant", "blue: \u00fc");
    assertThat(new String(published.body(), java.nio.charset.StandardCharsets.UTF_8))
        .isEqualTo("body of m1");
  }

  @Test
  void publishesNothingThatRolledBack() {
    startRelay();
    transactions.run(
        tx -> {
          outbox.publish(tx, ORDERS, message("gone", "k"));
          tx.setRollbackOnly();
          return null;
        });
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      outbox.publish(tx, ORDERS, message("gone-too", "k"));
                      throw new IllegalStateException("business failure");
                    }));
    write("kept", "k");
    Await.until("kept published", () -> transport.ids().contains("kept"));
    assertThat(transport.ids()).containsExactly("kept");
  }

  @Test
  void takesPartInACallersOwnTransaction() throws SQLException {
    startRelay();
    try (Connection connection = dataSource().getConnection()) {
      connection.setAutoCommit(false);
      outbox.publish(JdbcTransactions.join(connection, database), ORDERS, message("m1", "k"));
      connection.commit();
      outbox.wake();
      connection.setAutoCommit(true);
    }
    Await.until("m1 published", () -> transport.ids().contains("m1"));
  }

  @Test
  void refusesAConnectionInAutoCommitMode() throws SQLException {
    try (Connection connection = dataSource().getConnection()) {
      assertThatIllegalStateException()
          .isThrownBy(() -> JdbcTransactions.join(connection, database))
          .withMessageContaining("COMMS-JDBC-006: autoCommit: true (expected: false");
    }
  }

  @Test
  void refusesATransactionOfAnotherDatabase() {
    try (HikariDataSource pool = ownPool()) {
      JdbcDatabase other = JdbcDatabase.builder(pool).build();
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  JdbcTransactionRunner.create(other)
                      .run(
                          tx -> {
                            outbox.publish(tx, ORDERS, message("m", "k"));
                            return null;
                          }))
          .withMessageStartingWith("transaction:");
    }
  }

  @Test
  void refusesABodyOverTheLimitBeforeStoringIt() {
    configure(OutboxConfig.builder().maxMessageBytes(1024));
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      outbox.publish(tx, ORDERS, Message.builder("t").body(new byte[1025]).build());
                      return null;
                    }))
        .withMessage("message bytes: 1025 (expected: 0..1024)");
  }

  @Test
  void keepsOrderPerKeyThroughFailedPublishes() {
    SplittableRandom dice = new SplittableRandom(3);
    transport.failWhen(
        (to, message) -> {
          synchronized (dice) {
            return dice.nextInt(4) == 0 ? FailureKind.TRANSIENT : null;
          }
        });
    startRelay();
    Map<String, Integer> written = new HashMap<>();
    for (int i = 0; i < 200; i++) {
      String key = "k" + i % 7;
      write(key + "-" + written.merge(key, 1, Integer::sum), key);
    }
    Await.until("all published", () -> new HashSet<>(transport.ids()).size() == 200);
    assertFirstPublicationsInOrder();
  }

  @Test
  void twoRelaysShareTheShardsAndLoseNothing() {
    OutboxRelay first = startRelay();
    OutboxRelay second = startRelay();
    Await.until("both own shards", () -> owned(first) == 4 && owned(second) == 4);
    Map<String, Integer> written = new HashMap<>();
    for (int i = 0; i < 300; i++) {
      String key = "k" + i % 20;
      write(key + "-" + written.merge(key, 1, Integer::sum), key);
    }
    Await.until("all published", () -> new HashSet<>(transport.ids()).size() == 300);
    assertFirstPublicationsInOrder();
  }

  @Test
  void anotherRelayTakesOverWhatACrashedOneHeld() {
    transport.holdConfirmations(true);
    try (HikariDataSource lost = ownPool()) {
      JdbcDatabase same = JdbcDatabase.builder(lost).schema(schema).build();
      OutboxRelay crashed = OutboxRelay.create(JdbcOutbox.create(same, config), transport, runtime);
      relays.add(crashed);
      crashed.start();
      write("m1", "k");
      Await.until("m1 handed over", () -> transport.ids().contains("m1"));
    }
    // Without its connections the first relay can neither acknowledge nor renew nor release: it is
    // dead to the others.
    transport.holdConfirmations(false);
    startRelay();
    Await.until("m1 published again", () -> transport.confirmed().contains("m1"));
    Await.until("row gone", () -> rows("outbox_message") == 0);
  }

  @Test
  void aRelayPausedPastItsLeaseDecidesNothingAnyMore() throws SQLException {
    ShardLeases old = new ShardLeases(database, config, runtime.time(), "old");
    try (Connection connection = dataSource().getConnection()) {
      old.prepare(connection);
      old.install(old.tick(connection));
      Ownership paused = old.current();
      assertThat(paused.epochs()).hasSize(8);
      assertThat(old.fence(connection, paused, 3)).isTrue();
      expireLeases(connection);
      ShardLeases young = new ShardLeases(database, config, runtime.time(), "young");
      young.install(young.tick(connection));
      assertThat(young.current().owns(3)).isTrue();
      assertThat(old.fence(connection, paused, 3)).isFalse();
      assertThat(young.fence(connection, young.current(), 3)).isTrue();
      old.compareEpochs(connection, paused);
      assertThat(old.current().owns(4)).isFalse();
    }
  }

  @Test
  void findsRowsThatCommitLateWhereAReaderByGreaterIdLosesThem() throws Exception {
    NaiveReader naive = new NaiveReader();
    try (Connection late = dataSource().getConnection()) {
      late.setAutoCommit(false);
      outbox.publish(JdbcTransactions.join(late, database), ORDERS, message("late", "k1"));
      write("early", "k2");
      naive.read();
      late.commit();
      late.setAutoCommit(true);
    }
    naive.read();
    assertThat(naive.seen).as("the saboteur loses").containsExactly("early");
    startRelay();
    Await.until(
        "both published", () -> transport.confirmed().containsAll(List.of("early", "late")));
  }

  @Test
  void aDeadDestinationDoesNotStopAnother() {
    transport.failWhen((to, message) -> to.equals(OTHER) ? FailureKind.TRANSIENT : null);
    OutboxRelay relay = startRelay();
    for (int i = 0; i < 50; i++) {
      write(OTHER, "dead-" + i, "k" + i);
    }
    for (int i = 0; i < 50; i++) {
      write(ORDERS, "alive-" + i, "k" + i);
    }
    Await.until(
        "alive ones published",
        () -> transport.ids().stream().filter(id -> id.startsWith("alive")).count() == 50);
    assertThat(rows("outbox_message")).isEqualTo(50);
    assertThat(rows("outbox_parked")).as("an outage burns no attempt").isZero();
    Await.until("health says so", () -> relay.health().status() == Health.Status.DEGRADED);
    transport.failWhen((to, message) -> null);
    Await.until("all published", () -> rows("outbox_message") == 0);
  }

  @org.junit.jupiter.api.RepeatedTest(5)
  void parksARefusedMessageAndBlocksItsKeyUntilReplayed() {
    AtomicBoolean refuses = new AtomicBoolean(true);
    transport.failWhen(
        (to, message) ->
            refuses.get() && message.id().equals("bad") ? FailureKind.PERMANENT : null);
    startRelay();
    write("bad", "k");
    write("behind", "k");
    write("beside", "other-key");
    OutboxAdmin admin = OutboxAdmin.create(database);
    Await.until("parked", () -> admin.parked(10).size() == 1);
    ParkedMessage parked = admin.parked(10).get(0);
    assertThat(parked.attempts()).isEqualTo(config.attempts());
    assertThat(parked.errorCode()).isEqualTo("COMMS-TEST-001");
    assertThat(parked.key()).contains("k");
    Await.until("beside published", () -> transport.ids().contains("beside"));
    assertThat(transport.confirmed()).doesNotContain("behind", "bad");
    refuses.set(false);
    assertThat(admin.replay(parked.id())).isTrue();
    assertThat(admin.replay(parked.id())).isFalse();
    Await.until(
        "both published", () -> transport.confirmed().containsAll(List.of("bad", "behind")));
    assertThat(transport.confirmed().indexOf("bad"))
        .isLessThan(transport.confirmed().indexOf("behind"));
    assertThat(rows("outbox_retry")).isZero();
  }

  @Test
  void discardingAParkedMessageUnblocksItsKey() {
    transport.failWhen((to, message) -> message.id().equals("bad") ? FailureKind.PERMANENT : null);
    startRelay();
    write("bad", "k");
    write("behind", "k");
    OutboxAdmin admin = OutboxAdmin.create(database);
    Await.until("parked", () -> admin.parked(10).size() == 1);
    assertThat(admin.discard(admin.parked(10).get(0).id())).isTrue();
    Await.until("behind published", () -> transport.confirmed().contains("behind"));
  }

  @Test
  void skipsAParkedMessageWhenConfiguredSo() {
    configure(
        OutboxConfig.builder()
            .shards(8)
            .attempts(2)
            .pollInterval(Duration.ofMillis(50))
            .leaseTime(Duration.ofSeconds(5))
            .backoff(Backoff.exponential(Duration.ofMillis(5), Duration.ofMillis(5)))
            .onParked(OutboxConfig.OnParked.SKIP));
    transport.failWhen((to, message) -> message.id().equals("bad") ? FailureKind.PERMANENT : null);
    startRelay();
    write("bad", "k");
    write("behind", "k");
    Await.until("behind published", () -> transport.confirmed().contains("behind"));
    assertThat(rows("outbox_parked")).isEqualTo(1);
  }

  @Test
  void parksARowThatCannotBeReadAndGoesOn() throws SQLException {
    startRelay();
    try (Connection connection = dataSource().getConnection();
        PreparedStatement insert =
            connection.prepareStatement(
                "INSERT INTO "
                    + database.table("outbox_message")
                    + " (shard, destination, msg_key, payload, headers) VALUES (1, 'nowhere', NULL, ?, 'rubbish')")) {
      insert.setBytes(1, new byte[] {1});
      insert.executeUpdate();
    }
    write("good", "k");
    Await.until("good published", () -> transport.ids().contains("good"));
    Await.until("rubbish parked", () -> rows("outbox_parked") == 1);
    assertThat(OutboxAdmin.create(database).parked(1).get(0).errorCode())
        .isEqualTo("COMMS-OUTBOX-003");
  }

  @Test
  void holdsADelayedMessageUntilItIsDue() {
    startRelay();
    Instant due = Instant.now().plusMillis(700);
    transactions.run(
        tx -> {
          outbox.publish(tx, ORDERS, message("later", "k").toBuilder().deliverAt(due).build());
          return null;
        });
    write("now", "k2");
    Await.until("now published", () -> transport.ids().contains("now"));
    Await.until("later published", () -> transport.ids().contains("later"));
    assertThat(Instant.now()).isAfterOrEqualTo(due);
    assertThat(transport.message("later").deliverAt()).isEmpty();
  }

  @Test
  void drainPublishesWhatIsThere() {
    for (int i = 0; i < 500; i++) {
      write("m" + i, "k" + i % 50);
    }
    OutboxRelay relay = startRelay();
    assertThat(relay.drain(Duration.ofSeconds(20))).isTrue();
    assertThat(rows("outbox_message")).isZero();
    assertThat(new HashSet<>(transport.ids())).hasSize(500);
  }

  @Test
  void refusesToStartWithoutItsTablesOrWithAnotherShardCount() {
    JdbcDatabase empty = JdbcDatabase.builder(dataSource()).schema("nothing_here").build();
    OutboxRelay relay = OutboxRelay.create(JdbcOutbox.create(empty, config), transport, runtime);
    assertThatThrownBy(relay::start)
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("COMMS-JDBC-010")
        .hasMessageContaining("SchemaScripts.apply");
    startRelay();
    configure(OutboxConfig.builder().shards(16));
    assertThatThrownBy(this::startRelay)
        .isInstanceOf(StoreException.class)
        .hasMessageContaining("COMMS-OUTBOX-001: shards: 16 (expected: 8");
  }

  private OutboxRelay startRelay() {
    OutboxRelay relay = OutboxRelay.create(outbox, transport, runtime);
    relays.add(relay);
    relay.start();
    return relay;
  }

  private static int owned(OutboxRelay relay) {
    return Integer.parseInt(relay.health().details().getOrDefault("ownedShards", "0"));
  }

  private void write(String id, String key) {
    write(ORDERS, id, key);
  }

  private void write(Destination to, String id, String key) {
    transactions.run(
        tx -> {
          outbox.publish(tx, to, message(id, key));
          return null;
        });
  }

  private static Message message(String id, String key) {
    return Message.builder("test")
        .id(id)
        .key(key)
        .header("tenant", "blue: \u00fc")
        .body(("body of " + id).getBytes(java.nio.charset.StandardCharsets.UTF_8))
        .build();
  }

  private void assertFirstPublicationsInOrder() {
    Map<String, Integer> last = new HashMap<>();
    Set<String> seen = new HashSet<>();
    for (String id : transport.confirmed()) {
      if (seen.add(id)) {
        String[] parts = id.split("-");
        int number = Integer.parseInt(parts[1]);
        assertThat(number)
            .as("order of key %s", parts[0])
            .isEqualTo(last.merge(parts[0], 1, Integer::sum));
      }
    }
  }

  private int rows(String table) {
    try (Connection connection = dataSource().getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery("SELECT count(*) FROM " + database.table(table))) {
      row.next();
      return row.getInt(1);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  private void expireLeases(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.executeUpdate(
          "UPDATE "
              + database.table("outbox_shard")
              + " SET lease_until = TIMESTAMP '2020-01-01 00:00:00'");
      statement.executeUpdate("DELETE FROM " + database.table("outbox_node"));
    }
  }

  /**
   * The reader many outboxes have: it remembers the greatest id it has seen. Here to be seen
   * losing.
   */
  private final class NaiveReader {
    final List<String> seen = new ArrayList<>();
    private long greatest;

    void read() throws SQLException {
      try (Connection connection = dataSource().getConnection();
          Statement statement = connection.createStatement();
          ResultSet row =
              statement.executeQuery(
                  "SELECT id, headers FROM "
                      + database.table("outbox_message")
                      + " WHERE id > "
                      + greatest
                      + " ORDER BY id")) {
        while (row.next()) {
          greatest = row.getLong(1);
          seen.add(row.getString(2).contains("ce_id:late\n") ? "late" : "early");
        }
      }
    }
  }
}
