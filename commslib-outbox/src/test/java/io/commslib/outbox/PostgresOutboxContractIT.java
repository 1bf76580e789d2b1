package io.commslib.outbox;

import static io.commslib.outbox.OutboxFixture.OTHER;
import static io.commslib.outbox.OutboxFixture.detail;
import static io.commslib.outbox.OutboxFixture.quick;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlErrors;
import io.commslib.jdbc.TestDatabases;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.PostgresServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PostgresOutboxContractIT extends OutboxStoreContract {

  private static HikariDataSource pool;

  @BeforeAll
  static void open() {
    pool = TestDatabases.postgres();
  }

  @AfterAll
  static void closePool() {
    pool.close();
  }

  @Override
  public DataSource dataSource() {
    return pool;
  }

  @Override
  public HikariDataSource ownPool() {
    return TestDatabases.postgres();
  }

  @Test
  void noticesThatIdsWereReset() {
    writeInTurn(20, 5);
    startRelay();
    Await.until("all published", () -> rows("outbox_message") == 0);
    execute("TRUNCATE " + database().table("outbox_message") + " RESTART IDENTITY");
    write("again", "k0");
    Await.until("published", () -> transport().confirmed().contains("again"));
  }

  @Test
  void noticesAResetOfIdsAlsoWhileADestinationIsStopped() {
    writeInTurn(20, 5);
    startRelay();
    Await.until("all published", () -> rows("outbox_message") == 0);
    OutboxAdmin.create(database()).pause(OTHER.toString(), "ann", "repair");
    // Meanwhile the relay raises its watermark and, within two seconds, learns of the stop.
    long learnt = System.nanoTime() + Duration.ofMillis(2_500).toNanos();
    for (int number = 0; System.nanoTime() - learnt < 0; number++) {
      String id = "meanwhile-" + number;
      write(id, "k0");
      Await.until(id + " gone", () -> rows("outbox_message") == 0);
    }
    execute("TRUNCATE " + database().table("outbox_message") + " RESTART IDENTITY");
    long start = System.nanoTime();
    write("again", "k1");
    Await.until("published", () -> transport().confirmed().contains("again"));
    // The full rescan, twice a minute, would also find it.
    assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(10));
  }

  @ParameterizedTest
  @ValueSource(strings = {"prepareThreshold=-1", "prepareThreshold=0", "preferQueryMode=simple"})
  void publishesAndDeletesInEveryModeOfTheDriver(String mode) {
    configure(quick().batchSize(20).maxUnconfirmed(40));
    transport().holdWhen(message -> !message.id().equals("other"));
    PostgresServer server = PostgresServer.shared();
    String url = server.jdbcUrl() + "?" + mode;
    try (HikariDataSource other = TestDatabases.pool(url, server.user(), server.password())) {
      JdbcDatabase same = JdbcDatabase.builder(other).schema(schema()).build();
      OutboxRelay relay =
          OutboxRelay.create(JdbcOutbox.create(same, config()), transport(), runtime());
      relays().add(relay);
      relay.start();
      // Reads leave out rows in memory, and a destination that has its share of the memory.
      writeInTurn(50, 5);
      Await.until("the share is in memory", () -> detail(relay, "held") >= 20);
      write(OTHER, "other", "other");
      Await.until("the other published", () -> transport().confirmed().contains("other"));
      transport().releaseHeld();
      Await.until("published and deleted", () -> rows("outbox_message") == 0);
    }
    assertThat(transport().confirmed()).hasSize(51);
  }

  @Test
  void excludesRowsInMemoryByAHashAlsoInACachedPlan() throws SQLException {
    String look =
        "SELECT m.id FROM "
            + database().table("outbox_message")
            + " m WHERE m.shard = 0 AND m.id > 0"
            + PostgresRows.NOT_LISTED.replace("?", "$1");
    String plan = "";
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      statement.execute("SET LOCAL plan_cache_mode = force_generic_plan");
      statement.execute(PostgresRows.byKey(1));
      statement.execute("PREPARE look(bigint[]) AS " + look);
      try (ResultSet lines = statement.executeQuery("EXPLAIN EXECUTE look('{1,2,3}')")) {
        while (lines.next()) {
          plan += lines.getString(1) + "\n";
        }
      }
      statement.execute("DEALLOCATE look");
      connection.rollback();
    }
    assertThat(plan).contains("hashed SubPlan").contains("Index");
  }

  @Test
  void aDecisionStalledForALeaseLosesItsTransaction() throws SQLException {
    ShardLeases old = new ShardLeases(database(), config(), runtime().time(), "old");
    try (Connection standing = pool.getConnection()) {
      old.prepare(standing);
      old.install(old.tick(standing));
      standing.setAutoCommit(false);
      assertThat(old.fence(standing, old.current(), 3)).isTrue();
      OutboxRelay relay = startRelay();
      Await.until("taken over", () -> detail(relay, "ownedShards") == config().shards());
      assertThatThrownBy(() -> old.fence(standing, old.current(), 3))
          .matches(SqlErrors::isConnectionLost, "connection lost");
    }
  }
}
