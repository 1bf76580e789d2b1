package io.commslib.benchmarks.chaos.idempotency;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.idempotency.IdempotencyConfig;
import io.commslib.idempotency.InboxSchema;
import io.commslib.idempotency.JdbcIdempotencyStore;
import io.commslib.jdbc.JdbcDatabase;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;

/** A database with request keys, and a payment table that stands for an external service. */
final class RequestDatabase implements AutoCloseable {

  static final Duration LEASE = Duration.ofSeconds(5);
  static final String STEP = "paid";

  private final ChaosDatabase server;
  private final HikariDataSource pool;
  private final JdbcDatabase database;
  private final JdbcIdempotencyStore store;

  private RequestDatabase(ChaosDatabase server, HikariDataSource pool) {
    this.server = server;
    this.pool = pool;
    this.database = JdbcDatabase.builder(pool).build();
    InboxSchema.scripts().apply(database);
    this.store = JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults());
  }

  static RequestDatabase start(ChaosDatabase.Kind kind) throws IOException, SQLException {
    ChaosDatabase server = kind.start(Map.of("max_connections", "100"));
    RequestDatabase requests = new RequestDatabase(server, pool(server.url(), server.user()));
    requests.execute(
        "CREATE TABLE payment (request varchar(255) NOT NULL, payer varchar(40) NOT NULL)");
    return requests;
  }

  /** Opens the pool; also used by the holder's process. */
  static HikariDataSource pool(String url, String user) {
    return ChaosDatabase.pool(url, user, 32);
  }

  static RequestKey key(int number) {
    return new RequestKey("customers/pay", "request-" + number, "content " + number);
  }

  static StoredResult result(String payer) {
    return new StoredResult(
        201, "text/plain", payer.getBytes(StandardCharsets.UTF_8), Map.of("Payer", payer));
  }

  /** Executes the effect: an external service without deduplication. */
  static void pay(JdbcDatabase database, RequestKey key, String payer) throws SQLException {
    try (Connection connection = database.dataSource().getConnection();
        PreparedStatement insert =
            connection.prepareStatement("INSERT INTO payment (request, payer) VALUES (?, ?)")) {
      insert.setString(1, key.key());
      insert.setString(2, payer);
      insert.executeUpdate();
    }
  }

  JdbcIdempotencyStore store() {
    return store;
  }

  JdbcDatabase database() {
    return database;
  }

  String url() {
    return server.url();
  }

  String user() {
    return server.user();
  }

  void execute(String sql) throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  long queryLong(String sql) throws SQLException {
    try (Connection connection = pool.getConnection();
        Statement statement = connection.createStatement();
        ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    }
  }

  @Override
  public void close() {
    pool.close();
    server.close();
  }
}
