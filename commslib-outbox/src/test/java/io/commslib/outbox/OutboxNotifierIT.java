package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.Health;
import io.commslib.core.Health.Status;
import io.commslib.core.time.SystemRuntime;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.TestDatabases;
import io.commslib.testkit.Await;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.servers.PgBouncerServer;
import io.commslib.testkit.servers.PostgresServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * A writer and a relay that share only the database, as two processes do. The poll interval of the
 * relay is longer than a test waits.
 */
class OutboxNotifierIT extends OutboxFixture {

  private static HikariDataSource pool;

  private final List<OutboxNotifier> notifiers = new ArrayList<>();
  private JdbcOutbox relayed;

  @BeforeAll
  static void open() {
    pool = TestDatabases.postgres();
  }

  @AfterAll
  static void closePool() {
    pool.close();
  }

  @Override
  protected DataSource dataSource() {
    return pool;
  }

  @Override
  protected HikariDataSource ownPool() {
    return TestDatabases.postgres();
  }

  @BeforeEach
  void relayElsewhere() {
    configure(quick().leaseTime(Duration.ofMinutes(5)).pollInterval(Duration.ofSeconds(59)));
    relayed = JdbcOutbox.create(database, config);
    OutboxRelay relay = OutboxRelay.create(relayed, transport, runtime);
    relays.add(relay);
    relay.start();
    Await.until("relay owns all", () -> detail(relay, "ownedShards") == 8);
  }

  @AfterEach
  void closeNotifiers() {
    notifiers.forEach(OutboxNotifier::close);
  }

  private OutboxNotifier start(JdbcOutbox of) {
    OutboxNotifier notifier = OutboxNotifier.create(of, runtime);
    notifiers.add(notifier);
    notifier.start();
    return notifier;
  }

  /** Starts one that listens on a data source of its own, and checks often whether it hears. */
  private OutboxNotifier start(JdbcOutbox of, DataSource direct) {
    OutboxNotifier notifier =
        OutboxNotifier.create(of, direct, runtime, Duration.ofMillis(200), Duration.ofMillis(500));
    notifiers.add(notifier);
    notifier.start();
    return notifier;
  }

  private static long figure(OutboxNotifier notifier, String name) {
    return Long.parseLong(notifier.health().details().get(name));
  }

  private static void awaitListening(OutboxNotifier notifier) {
    Await.until("listening", () -> "true".equals(notifier.health().details().get("listening")));
  }

  @Test
  void aCommitWakesARelayOfAnotherProcess() {
    OutboxNotifier listener = start(relayed);
    OutboxNotifier sender = start(outbox);
    awaitListening(listener);
    write("m1", "k");
    Await.until("m1 published", () -> transport.confirmed().contains("m1"));
    assertThat(listener.health().status()).isEqualTo(Health.Status.UP);
    assertThat(sender.health().status()).as("no relay to wake").isEqualTo(Health.Status.UP);
    assertThat(sender.health().details()).containsEntry("listening", "false");
  }

  @Test
  void manyCommitsAreFewNotifications() {
    OutboxNotifier listener = start(relayed);
    OutboxNotifier sender = start(outbox);
    awaitListening(listener);
    writeInTurn(200, 10);
    Await.until("all published", () -> transport.confirmed().size() == 200);
    assertThat(figure(sender, "sent")).isBetween(1L, 199L);
    assertThat(figure(listener, "received")).isLessThanOrEqualTo(figure(sender, "sent"));
  }

  @Test
  void aBrokenConnectionIsReplacedAndMissedMessagesArePublished() {
    OutboxNotifier listener = start(relayed);
    start(outbox);
    awaitListening(listener);
    number(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE 'LISTEN"
            + " commslib_outbox_%' AND pid <> pg_backend_pid()");
    write("m1", "k");
    write("m2", "k");
    Await.until("both published", () -> transport.confirmed().containsAll(List.of("m1", "m2")));
    awaitListening(listener);
  }

  @Test
  void messagesCommittedBeforeARelayListensAreFound() {
    write("m1", "k");
    start(relayed);
    Await.until("m1 published", () -> transport.confirmed().contains("m1"));
  }

  @Test
  void otherSchemasAreNotWoken() {
    OutboxNotifier listener = start(relayed);
    awaitListening(listener);
    JdbcDatabase other = JdbcDatabase.builder(pool).schema(schema + "_other").build();
    OutboxSchema.scripts().apply(other);
    JdbcOutbox foreign = JdbcOutbox.create(other, config);
    OutboxNotifier foreigner = start(foreign);
    foreign.wake();
    Await.until("foreign notification sent", () -> figure(foreigner, "sent") == 1);
    OutboxNotifier sender = start(outbox);
    outbox.wake();
    Await.until("own notification received", () -> figure(listener, "received") >= 1);
    assertThat(figure(listener, "received")).isEqualTo(figure(sender, "sent")).isEqualTo(1);
  }

  @Test
  void aDeafNotifierSaysSo() {
    try (PgBouncerServer pooler = PgBouncerServer.start(PostgresServer.shared());
        HikariDataSource shared =
            TestDatabases.pool(
                pooler.jdbcUrl() + "?prepareThreshold=0", pooler.user(), pooler.password())) {
      JdbcDatabase behind = JdbcDatabase.builder(shared).schema(schema).build();
      JdbcOutbox pooled = JdbcOutbox.create(behind, config);
      OutboxRelay relay = OutboxRelay.create(pooled, transport, runtime);
      relays.add(relay);
      relay.start();
      OutboxNotifier deaf = start(pooled, shared);
      Await.until("reported", () -> !deaf.health().reason().startsWith("relays find"));
      assertThat(deaf.health().reason())
          .isEqualTo(
              "COMMS-OUTBOX-005: the notifier does not hear its own notification (expected: a"
                  + " session of its own, as from a data source that does not connect through a"
                  + " pooler); relays find messages by polling");
      Await.stays(
          "degraded", Duration.ofSeconds(1), () -> deaf.health().status() == Status.DEGRADED);
      assertThat(deaf.health().details()).containsEntry("listening", "false");
      deaf.close();

      OutboxNotifier direct = start(pooled, pool);
      awaitListening(direct);
      assertThat(direct.health().status()).isEqualTo(Status.UP);
      start(outbox);
      outbox.wake();
      Await.until("woken", () -> figure(direct, "received") == 1);
      relay.close();
    }
  }

  @Test
  void aNotifierThatStopsHearingItselfSaysSo() throws IOException {
    URI server = URI.create(pool.getJdbcUrl().substring("jdbc:".length()));
    try (TcpFaultProxy network =
            TcpFaultProxy.to(new InetSocketAddress(server.getHost(), server.getPort()));
        HikariDataSource direct =
            TestDatabases.pool(
                "jdbc:postgresql://127.0.0.1:" + network.port() + server.getPath(),
                pool.getUsername(),
                pool.getPassword(),
                1,
                1_000)) {
      OutboxNotifier notifier = start(relayed, direct);
      awaitListening(notifier);
      assertThat(notifier.health().status()).isEqualTo(Status.UP);
      network.blackHole(TcpFaultProxy.Direction.TO_CLIENT);
      Await.until("reported", () -> notifier.health().reason().startsWith("COMMS-OUTBOX-005: "));
      assertThat(notifier.health().status()).isEqualTo(Status.DEGRADED);
      write("m1", "k");
      network.heal();
      awaitListening(notifier);
      assertThat(notifier.health().status()).isEqualTo(Status.UP);
      Await.until("found", () -> transport.confirmed().contains("m1"));
    }
  }

  @Test
  void startsOnceAndOnPostgresOnly() {
    OutboxNotifier notifier = start(outbox);
    assertThatIllegalStateException().isThrownBy(notifier::start);
    notifier.close();
    notifier.close();
    assertThat(notifier.health().status()).isEqualTo(Health.Status.DEGRADED);
    JdbcDataSource h2 = new JdbcDataSource();
    h2.setURL("jdbc:h2:mem:notifier;DB_CLOSE_DELAY=-1");
    JdbcDatabase other = JdbcDatabase.builder(h2).build();
    OutboxSchema.scripts().apply(other);
    JdbcOutbox elsewhere = JdbcOutbox.create(other, config);
    try (SystemRuntime another = SystemRuntime.create()) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> OutboxNotifier.create(elsewhere, another))
          .withMessage("dialect: H2 (expected: POSTGRESQL)");
    }
  }
}
