package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Message;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.SystemRuntime;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** An outbox in a schema of its own, a recording transport, and helper methods for both. */
public abstract class OutboxFixture {

  static final Destination ORDERS = Destination.queue("orders");
  static final Destination OTHER = Destination.queue("other");
  private static final AtomicInteger SCHEMAS = new AtomicInteger();

  final SystemRuntime runtime = SystemRuntime.create();
  final RecordingTransport transport = new RecordingTransport();
  final List<OutboxRelay> relays = new ArrayList<>();
  final String schema = "outbox_" + SCHEMAS.incrementAndGet();
  JdbcDatabase database;
  JdbcTransactionRunner transactions;
  OutboxConfig config;
  JdbcOutbox outbox;

  /** Creates a fixture; each test gets one of its own. */
  protected OutboxFixture() {}

  /**
   * Returns the database under test. Each test uses a schema of its own.
   *
   * @return a pool that outlives the test
   */
  protected abstract DataSource dataSource();

  /**
   * Returns another pool of connections to the same database.
   *
   * @return new pool; the test closes it
   */
  protected abstract HikariDataSource ownPool();

  @BeforeEach
  void freshSchema() {
    database = JdbcDatabase.builder(dataSource()).schema(schema).build();
    OutboxSchema.scripts().apply(database);
    transactions = JdbcTransactionRunner.create(database);
    configure(quick());
  }

  /** Settings with short times. */
  static OutboxConfig.Builder quick() {
    return OutboxConfig.builder()
        .shards(8)
        .leaseTime(Duration.ofSeconds(5))
        .pollInterval(Duration.ofMillis(50))
        .backoff(Backoff.exponential(Duration.ofMillis(20), Duration.ofMillis(100)));
  }

  void configure(OutboxConfig.Builder builder) {
    config = builder.build();
    outbox = JdbcOutbox.create(database, config);
  }

  /** Prepares another number of shards, as an operator does while the outbox is empty. */
  void forgetShards() {
    execute("DELETE FROM " + database.table("outbox_shard"));
  }

  @AfterEach
  void close() {
    transport.releaseHeld();
    relays.forEach(OutboxRelay::close);
    runtime.close();
  }

  OutboxRelay startRelay() {
    OutboxRelay relay = OutboxRelay.create(outbox, transport, runtime);
    relays.add(relay);
    relay.start();
    return relay;
  }

  static int detail(OutboxRelay relay, String name) {
    return Integer.parseInt(relay.health().details().getOrDefault(name, "-1"));
  }

  void write(String id, String key) {
    write(ORDERS, id, key);
  }

  void write(Destination to, String id, String key) {
    transactions.run(
        tx -> {
          outbox.publish(tx, to, message(id, key));
          return null;
        });
  }

  /** Writes messages {@code KEY-NUMBER}, in turn over the keys k0 to kN. */
  void writeInTurn(int messages, int keys) {
    Map<String, Integer> written = new HashMap<>();
    for (int i = 0; i < messages; i++) {
      String key = "k" + i % keys;
      write(key + "-" + written.merge(key, 1, Integer::sum), key);
    }
  }

  static Message message(String id, String key) {
    return Message.builder("test")
        .id(id)
        .key(key)
        .header("tenant", "blue: \u00fc")
        .body(("body of " + id).getBytes(StandardCharsets.UTF_8))
        .build();
  }

  /** Asserts that the first confirmations of each key's messages {@code KEY-NUMBER} ascend by 1. */
  void assertFirstPublicationsInOrder() {
    Map<String, Integer> last = new HashMap<>();
    Set<String> seen = new HashSet<>();
    for (String id : transport.confirmed()) {
      if (seen.add(id)) {
        String[] parts = id.split("-");
        assertThat(Integer.parseInt(parts[1]))
            .as("order of key %s", parts[0])
            .isEqualTo(last.merge(parts[0], 1, Integer::sum));
      }
    }
  }

  int rows(String table) {
    return number("SELECT count(*) FROM " + database.table(table));
  }

  int number(String sql) {
    try (Connection connection = dataSource().getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getInt(1);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  List<String> texts(String sql) {
    List<String> found = new ArrayList<>();
    try (Connection connection = dataSource().getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      while (row.next()) {
        found.add(row.getString(1));
      }
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
    return found;
  }

  void execute(String sql) {
    try (Connection connection = dataSource().getConnection();
        Statement statement = connection.createStatement()) {
      statement.executeUpdate(sql);
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }
}
