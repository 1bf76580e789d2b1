package io.commslib.idempotency;

import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/**
 * An upsert takes the key's row for this transaction, and a look at it then tells whose it is, for
 * MySQL and MariaDB. An upsert, since a plain insert leaves a shared lock on the row it meets, and
 * a locking read of a row that is not there leaves a gap locked: both end in deadlocks. It does not
 * wait for a row that is another transaction's; MySQL waits as long as the session says.
 */
final class MySqlRequestClaims implements RequestClaims {

  private static final String NOW =
      "CAST(TIMESTAMPDIFF(MICROSECOND, '1970-01-01', utc_timestamp(6)) DIV 1000 AS SIGNED)";

  /** In the column that says whether a grant is a takeover: inserted by who reads it. */
  private static final int INSERTED = 2;

  private final RequestTable rows;
  private final long retentionMillis;
  private final Duration retryAfter;
  private final String upsert;
  private final String lock;

  MySqlRequestClaims(JdbcDatabase database, IdempotencyConfig config) {
    String table = database.table("idempotency");
    this.rows = new RequestTable(database, NOW, config);
    this.retentionMillis = config.retention().toMillis();
    this.retryAfter = config.retryAfter();
    this.upsert =
        database.dialect().waitingAtMost(Duration.ZERO)
            + "INSERT INTO "
            + table
            + " (scope, request_key, fingerprint, token, leased_until, takeover, expires_at, steps)"
            + " VALUES (?, ?, ?, "
            + NOW
            + ", "
            + NOW
            + " + ?, "
            + INSERTED
            + ", "
            + NOW
            + " + ?, '') ON DUPLICATE KEY UPDATE takeover = 0";
    this.lock =
        "SELECT "
            + RequestRow.COLUMNS
            + NOW
            + " FROM "
            + table
            + " WHERE scope = ? AND request_key = ? FOR UPDATE";
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
      // Another transaction works on the key, or just replays its result.
      RequestRow row = rows.select(connection, request);
      Claim answer = row == null ? null : row.answer(request);
      return answer == null ? Claim.inFlight(retryAfter) : answer;
    }
  }

  private Claim insertOrTakeOver(Connection connection, RequestKey request, long leaseMillis)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(upsert)) {
      int next = RequestTable.setKey(statement, 1, request);
      statement.setString(next, request.fingerprint());
      statement.setLong(next + 1, leaseMillis);
      statement.setLong(next + 2, leaseMillis + retentionMillis);
      statement.executeUpdate();
    }
    RequestRow row = locked(connection, request);
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

  private @Nullable RequestRow locked(Connection connection, RequestKey request)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(lock)) {
      RequestTable.setKey(statement, 1, request);
      try (ResultSet row = statement.executeQuery()) {
        return row.next() ? RequestRow.read(row) : null;
      }
    }
  }

  @Override
  public boolean finish(Connection connection, RequestKey request, long token, StoredResult result)
      throws SQLException {
    return rows.complete(connection, request, token, result);
  }
}
