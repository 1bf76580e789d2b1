package io.commslib.idempotency;

import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;

/**
 * Claims on H2, which has neither an upsert that returns rows nor advisory locks: an insert and, on
 * a duplicate, a read and a takeover, all in one transaction. A row that another open transaction
 * has inserted counts as in progress after a short lock timeout.
 */
final class H2RequestClaims implements RequestClaims {

  private static final String NOW = "CAST(EXTRACT(EPOCH FROM CURRENT_TIMESTAMP) * 1000 AS BIGINT)";
  private static final int LOCK_TIMEOUT_MILLIS = 50;

  private final RequestTable rows;
  private final Duration retryAfter;

  H2RequestClaims(JdbcDatabase database, IdempotencyConfig config) {
    this.rows = new RequestTable(database, NOW, config);
    this.retryAfter = config.retryAfter();
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
      return H2LockTimeout.bounded(
          connection,
          LOCK_TIMEOUT_MILLIS,
          () -> insertOrTakeOver(connection, request, leaseMillis));
    } catch (SQLException e) {
      if (SqlErrors.isLockTimeout(e)) {
        return Claim.inFlight(retryAfter);
      }
      throw e;
    }
  }

  private Claim insertOrTakeOver(Connection connection, RequestKey request, long leaseMillis)
      throws SQLException {
    boolean inserted = true;
    try {
      rows.insert(connection, request, leaseMillis);
    } catch (SQLException e) {
      if (!SqlErrors.isDuplicateKey(e)) {
        throw e;
      }
      inserted = false;
    }
    RequestRow row = rows.select(connection, request);
    if (row == null) {
      return Claim.inFlight(retryAfter);
    }
    if (inserted) {
      return row.granted();
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
