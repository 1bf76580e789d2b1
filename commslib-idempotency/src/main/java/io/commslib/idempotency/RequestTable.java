package io.commslib.idempotency;

import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.Purge;
import io.commslib.jdbc.SqlStatement;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** The statements on the table of requests that are the same on every database. */
final class RequestTable {

  /** Capacity of the column of headers. */
  static final int MAX_HEADERS_CHARS = 1_000_000;

  private static final String SELECT =
      """
      SELECT {columns}, {now} FROM @idempotency
      WHERE scope = ? AND request_key = ?
      """;
  private static final String INSERT =
      """
      INSERT INTO @idempotency
        (scope, request_key, fingerprint, token, leased_until, takeover, expires_at, steps)
      VALUES (?, ?, ?, {now}, {now} + ?, FALSE, {now} + ?, '')
      """;

  /** A key whose attempt has stored a result since, after its lease, is not taken over. */
  private static final String TAKE_OVER =
      """
      UPDATE @idempotency
      SET takeover = status IS NULL AND leased_until > 0,
        steps = CASE WHEN expires_at <= {now} THEN '' ELSE steps END,
        token = GREATEST(token + 1, {now}),
        leased_until = {now} + ?, expires_at = {now} + ?, fingerprint = ?,
        status = NULL, content_type = NULL, headers = NULL, body = NULL
      WHERE scope = ? AND request_key = ? AND token = ?
        AND (expires_at <= {now}
          OR (status IS NULL AND leased_until <= {now} AND fingerprint = ?))
      """;

  private static final String GRANT =
      " WHERE scope = ? AND request_key = ? AND fingerprint = ? AND token = ?";
  private static final String OPEN_GRANT = GRANT + " AND status IS NULL AND leased_until > 0";
  private static final String COMPLETE =
      """
      UPDATE @idempotency
      SET status = ?, content_type = ?, headers = ?, body = ?, steps = '', expires_at = {now} + ?
      """
          + OPEN_GRANT;
  private static final String RELEASE = "UPDATE @idempotency SET leased_until = 0" + OPEN_GRANT;
  private static final String REMEMBER =
      "UPDATE @idempotency SET steps = CONCAT(steps, ?)"
          + OPEN_GRANT
          + " AND CHAR_LENGTH(steps) <= ?";
  private static final String STATE = "SELECT leased_until, status FROM @idempotency" + GRANT;

  private final long retentionMillis;
  private final SqlStatement select;
  private final SqlStatement insert;
  private final SqlStatement takeOver;
  private final SqlStatement complete;
  private final SqlStatement release;
  private final SqlStatement remember;
  private final SqlStatement state;
  private final Purge purge;

  /**
   * Resolves the statements.
   *
   * @param now the database's clock in milliseconds since 1970 as an SQL expression
   */
  RequestTable(JdbcDatabase database, String now, IdempotencyConfig config) {
    this.retentionMillis = config.retention().toMillis();
    this.select = statement(database, SELECT, now);
    this.insert = statement(database, INSERT, now);
    this.takeOver = statement(database, TAKE_OVER, now);
    this.complete = statement(database, COMPLETE, now);
    this.release = statement(database, RELEASE, now);
    this.remember = statement(database, REMEMBER, now);
    this.state = statement(database, STATE, now);
    this.purge =
        Purge.of(
            database,
            "idempotency",
            List.of("scope", "request_key"),
            "expires_at <= " + now,
            config.purgeBatch());
  }

  /** Resolves a statement in which {@code {now}} is the clock in milliseconds since 1970. */
  static SqlStatement statement(JdbcDatabase database, String template, String now) {
    return SqlStatement.of(
        database, template.replace("{now}", now).replace("{columns}", RequestRow.COLUMNS));
  }

  @Nullable RequestRow select(Connection connection, RequestKey request) throws SQLException {
    return select.one(connection, RequestRow::read, request.scope(), request.key());
  }

  void insert(Connection connection, RequestKey request, long leaseMillis) throws SQLException {
    insert.update(
        connection,
        request.scope(),
        request.key(),
        request.fingerprint(),
        leaseMillis,
        leaseMillis + retentionMillis);
  }

  boolean takeOver(Connection connection, RequestKey request, long from, long leaseMillis)
      throws SQLException {
    return takeOver.update(
            connection,
            leaseMillis,
            leaseMillis + retentionMillis,
            request.fingerprint(),
            request.scope(),
            request.key(),
            from,
            request.fingerprint())
        == 1;
  }

  boolean complete(Connection connection, RequestKey request, long token, StoredResult result)
      throws SQLException {
    return complete.update(
            connection,
            result.status(),
            result.contentType(),
            TextPairs.write(result.headers()),
            result.body(),
            retentionMillis,
            request.scope(),
            request.key(),
            request.fingerprint(),
            token)
        == 1;
  }

  /** Returns whether this grant, and no later one, has been completed. */
  boolean isCompleted(Connection connection, RequestKey request, long token) throws SQLException {
    GrantState found = state(connection, request, token);
    return found != null && found.completed();
  }

  boolean release(Connection connection, RequestKey request, long token) throws SQLException {
    return release.update(connection, request.scope(), request.key(), request.fingerprint(), token)
        == 1;
  }

  boolean remember(Connection connection, RequestKey request, long token, String pair)
      throws SQLException {
    int changed =
        remember.update(
            connection,
            pair,
            request.scope(),
            request.key(),
            request.fingerprint(),
            token,
            RequestSteps.MAX_CHARS - pair.length());
    if (changed == 1) {
      return true;
    }
    GrantState found = state(connection, request, token);
    if (found != null && found.leasedUntil() > 0 && !found.completed()) {
      throw RequestSteps.full();
    }
    return false;
  }

  private record GrantState(long leasedUntil, boolean completed) {}

  private @Nullable GrantState state(Connection connection, RequestKey request, long token)
      throws SQLException {
    return state.one(
        connection,
        row -> new GrantState(row.getLong(1), row.getObject(2) != null),
        request.scope(),
        request.key(),
        request.fingerprint(),
        token);
  }

  int purge(Connection connection) throws SQLException {
    return purge.run(connection);
  }
}
