package io.commslib.idempotency;

import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlErrors;
import io.commslib.jdbc.SqlStatement;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;

/**
 * Claims on MySQL and MariaDB: an upsert locks the key's row for this transaction, and a read then
 * shows its owner. A plain insert would leave a shared lock on an existing row, and a locking read
 * of a missing row would lock a gap; both lead to deadlocks. On MariaDB the upsert does not wait
 * for a row of another transaction; on MySQL it waits as long as the session allows.
 */
final class MySqlRequestClaims implements RequestClaims {

  private static final String NOW =
      "CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', utc_timestamp(6)) DIV 1000 AS SIGNED)";

  /** Value of the column {@code takeover} of a row that this transaction has inserted. */
  private static final int INSERTED = 2;

  private static final String UPSERT =
      """
      {wait}INSERT INTO @idempotency
        (scope, request_key, fingerprint, token, leased_until, takeover, expires_at, steps)
      VALUES (?, ?, ?, {now}, {now} + ?, {inserted}, {now} + ?, '')
      ON DUPLICATE KEY UPDATE takeover = 0
      """;
  private static final String LOCK =
      """
      SELECT {columns}, {now} FROM @idempotency
      WHERE scope = ? AND request_key = ? FOR UPDATE
      """;

  private final RequestTable rows;
  private final long retentionMillis;
  private final Duration retryAfter;
  private final SqlStatement upsert;
  private final SqlStatement lock;

  MySqlRequestClaims(JdbcDatabase database, IdempotencyConfig config) {
    this.rows = new RequestTable(database, NOW, config);
    this.retentionMillis = config.retention().toMillis();
    this.retryAfter = config.retryAfter();
    this.upsert =
        RequestTable.statement(database, UPSERT, NOW)
            .with("wait", database.dialect().waitingAtMost(Duration.ZERO))
            .with("inserted", Integer.toString(INSERTED));
    this.lock = RequestTable.statement(database, LOCK, NOW);
  }

  @Override
  public String nowMillis() {
    return NOW;
  }

  @Override
  public boolean isOneStatement() {
    return false;
  }

  @Override
  public Claim begin(Connection connection, RequestKey request) throws SQLException {
    return lease(connection, request, 1);
  }

  @Override
  public Claim lease(Connection connection, RequestKey request, long leaseMillis)
      throws SQLException {
    try {
      return insertOrTakeOver(connection, request, leaseMillis);
    } catch (SQLException e) {
      if (!SqlErrors.isLockTimeout(e)) {
        throw e;
      }
      // Another transaction has the key, or is just reading its result.
      RequestRow row = rows.select(connection, request);
      Claim answer = row == null ? null : row.answer(request);
      return answer == null ? Claim.inFlight(retryAfter) : answer;
    }
  }

  private Claim insertOrTakeOver(Connection connection, RequestKey request, long leaseMillis)
      throws SQLException {
    upsert.update(
        connection,
        request.scope(),
        request.key(),
        request.fingerprint(),
        leaseMillis,
        leaseMillis + retentionMillis);
    RequestRow row = lock.one(connection, RequestRow::read, request.scope(), request.key());
    if (row == null) {
      return Claim.inFlight(retryAfter);
    }
    if (row.takeover()) {
      return Claim.granted(row.token(), false);
    }
    Claim answer = row.answer(request);
    if (answer != null) {
      return answer;
    }
    if (!rows.takeOver(connection, request, row.token(), leaseMillis)) {
      return Claim.inFlight(retryAfter);
    }
    RequestRow taken = rows.select(connection, request);
    return taken == null ? Claim.inFlight(retryAfter) : taken.granted();
  }

  @Override
  public boolean finish(Connection connection, RequestKey request, long token, StoredResult result)
      throws SQLException {
    return rows.complete(connection, request, token, result);
  }
}
