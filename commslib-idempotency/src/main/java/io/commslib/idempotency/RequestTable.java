package io.commslib.idempotency;

import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.Purge;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The statements on the table of requests that are the same on every database. */
final class RequestTable {

  /** Characters the column of headers takes. */
  static final int MAX_HEADERS_CHARS = 1_000_000;

  private static final String KEY = " WHERE scope = ? AND request_key = ?";

  private final long retentionMillis;
  private final String select;
  private final String insert;
  private final String takeOver;
  private final String complete;
  private final String release;
  private final String remember;
  private final String state;
  private final Purge purge;

  RequestTable(JdbcDatabase database, String now, IdempotencyConfig config) {
    String table = database.table("idempotency");
    String over = "expires_at <= " + now;
    this.retentionMillis = config.retention().toMillis();
    String held = KEY + " AND fingerprint = ? AND token = ?";
    this.select = "SELECT " + RequestRow.COLUMNS + now + " FROM " + table + KEY;
    this.insert =
        "INSERT INTO "
            + table
            + " (scope, request_key, fingerprint, token, leased_until, takeover, expires_at, steps)"
            + " VALUES (?, ?, ?, "
            + now
            + ", "
            + now
            + " + ?, FALSE, "
            + now
            + " + ?, '')";
    this.takeOver =
        "UPDATE "
            + table
            + " SET takeover = status IS NULL AND leased_until > 0, steps = CASE WHEN expires_at <= "
            + now
            + " THEN '' ELSE steps END, token = GREATEST(token + 1, "
            + now
            + "), leased_until = "
            + now
            + " + ?, expires_at = "
            + now
            + " + ?, fingerprint = ?, status = NULL, content_type = NULL, headers = NULL, body = NULL"
            + KEY
            + " AND token = ? AND ("
            + over
            // A late result that has come since is one all the same.
            + " OR (status IS NULL AND leased_until <= "
            + now
            + " AND fingerprint = ?))";
    this.complete =
        "UPDATE "
            + table
            + " SET status = ?, content_type = ?, headers = ?, body = ?, steps = '', expires_at = "
            + now
            + " + ?"
            + held
            + " AND status IS NULL AND leased_until > 0";
    this.release =
        "UPDATE "
            + table
            + " SET leased_until = 0"
            + held
            + " AND status IS NULL AND leased_until > 0";
    this.remember =
        "UPDATE "
            + table
            + " SET steps = CONCAT(steps, ?)"
            + held
            + " AND status IS NULL AND leased_until > 0 AND CHAR_LENGTH(steps) <= ?";
    this.state = "SELECT leased_until, status FROM " + table + held;
    this.purge =
        Purge.of(
            database, "idempotency", List.of("scope", "request_key"), over, config.purgeBatch());
  }

  @Nullable RequestRow select(Connection connection, RequestKey request) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(select)) {
      setKey(statement, 1, request);
      try (ResultSet row = statement.executeQuery()) {
        return row.next() ? RequestRow.read(row) : null;
      }
    }
  }

  void insert(Connection connection, RequestKey request, long leaseMillis) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(insert)) {
      int next = setKey(statement, 1, request);
      statement.setString(next, request.fingerprint());
      statement.setLong(next + 1, leaseMillis);
      statement.setLong(next + 2, leaseMillis + retentionMillis);
      statement.executeUpdate();
    }
  }

  boolean takeOver(Connection connection, RequestKey request, long from, long leaseMillis)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(takeOver)) {
      statement.setLong(1, leaseMillis);
      statement.setLong(2, leaseMillis + retentionMillis);
      statement.setString(3, request.fingerprint());
      int next = setKey(statement, 4, request);
      statement.setLong(next, from);
      statement.setString(next + 1, request.fingerprint());
      return statement.executeUpdate() == 1;
    }
  }

  boolean complete(Connection connection, RequestKey request, long token, StoredResult result)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(complete)) {
      RequestRow.setResult(statement, 1, result);
      statement.setLong(5, retentionMillis);
      setHeld(statement, 6, request, token);
      return statement.executeUpdate() == 1;
    }
  }

  /** Whether this very grant has been completed. */
  boolean isCompleted(Connection connection, RequestKey request, long token) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(state)) {
      setHeld(statement, 1, request, token);
      try (ResultSet row = statement.executeQuery()) {
        return row.next() && row.getObject(2) != null;
      }
    }
  }

  boolean release(Connection connection, RequestKey request, long token) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(release)) {
      setHeld(statement, 1, request, token);
      return statement.executeUpdate() == 1;
    }
  }

  boolean remember(Connection connection, RequestKey request, long token, String pair)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(remember)) {
      statement.setString(1, pair);
      int next = setHeld(statement, 2, request, token);
      statement.setInt(next, RequestSteps.MAX_CHARS - pair.length());
      if (statement.executeUpdate() == 1) {
        return true;
      }
    }
    try (PreparedStatement statement = connection.prepareStatement(state)) {
      setHeld(statement, 1, request, token);
      try (ResultSet row = statement.executeQuery()) {
        if (row.next() && row.getLong(1) > 0 && row.getObject(2) == null) {
          throw RequestSteps.full();
        }
        return false;
      }
    }
  }

  int purge(Connection connection) throws SQLException {
    return purge.run(connection);
  }

  private static int setHeld(PreparedStatement statement, int from, RequestKey request, long token)
      throws SQLException {
    int next = setKey(statement, from, request);
    statement.setString(next, request.fingerprint());
    statement.setLong(next + 1, token);
    return next + 2;
  }

  static int setKey(PreparedStatement statement, int from, RequestKey request) throws SQLException {
    statement.setString(from, request.scope());
    statement.setString(from + 1, request.key());
    return from + 2;
  }
}
