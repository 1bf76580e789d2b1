package io.commslib.idempotency;

import io.commslib.core.hash.Sha256;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlStatement;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Claims on PostgreSQL. A claim by lease is one upsert that returns the grant, or nothing if
 * another attempt has the key. In a transaction an advisory lock shows immediately whether the key
 * is in progress, and the row is written once, with the result.
 */
final class PostgresRequestClaims implements RequestClaims {

  private static final String NOW = "(extract(epoch from clock_timestamp()) * 1000)::bigint";

  /** A claim of a key that changes at the same time reads it again. */
  private static final int MAX_ATTEMPTS = 5;

  private static final String LEASE =
      """
      INSERT INTO @idempotency AS t
        (scope, request_key, fingerprint, token, leased_until, takeover, expires_at, steps)
      SELECT ?, ?, ?, c.now, c.now + ?, FALSE, c.now + ?, '' FROM (SELECT {now} AS now) AS c
      ON CONFLICT (scope, request_key) DO UPDATE
      SET fingerprint = EXCLUDED.fingerprint,
        token = GREATEST(t.token + 1, EXCLUDED.token),
        leased_until = EXCLUDED.leased_until,
        takeover = t.status IS NULL AND t.leased_until > 0,
        expires_at = EXCLUDED.expires_at,
        steps = CASE WHEN t.expires_at <= EXCLUDED.token THEN '' ELSE t.steps END,
        status = NULL, content_type = NULL, headers = NULL, body = NULL
      WHERE t.expires_at <= EXCLUDED.token
        OR (t.status IS NULL AND t.leased_until <= EXCLUDED.token
          AND t.fingerprint = EXCLUDED.fingerprint)
      RETURNING token, takeover, steps
      """;

  /**
   * Takes the lock before it reads the row. It does not see what commits in between; {@link
   * #FINISH} does, and then changes nothing.
   */
  private static final String BEGIN =
      """
      SELECT l.taken, c.now, t.token
      FROM (SELECT pg_try_advisory_xact_lock(?) AS taken) AS l, (SELECT {now} AS now) AS c
      LEFT JOIN @idempotency AS t ON t.scope = ? AND t.request_key = ?
      """;

  private static final String FINISH =
      """
      INSERT INTO @idempotency AS t
        (scope, request_key, fingerprint, token, leased_until, takeover, steps,
        status, content_type, headers, body, expires_at)
      VALUES (?, ?, ?, ?, 1, FALSE, '', ?, ?, ?, ?, {now} + ?)
      ON CONFLICT (scope, request_key) DO UPDATE
      SET status = EXCLUDED.status, content_type = EXCLUDED.content_type,
        headers = EXCLUDED.headers, body = EXCLUDED.body, steps = '',
        expires_at = EXCLUDED.expires_at
      WHERE t.token = EXCLUDED.token AND t.fingerprint = EXCLUDED.fingerprint
        AND t.status IS NULL AND t.leased_until > 0
      """;

  private final RequestTable rows;
  private final long retentionMillis;
  private final Duration retryAfter;
  private final SqlStatement lease;
  private final SqlStatement begin;
  private final SqlStatement finish;

  PostgresRequestClaims(JdbcDatabase database, IdempotencyConfig config) {
    this.rows = new RequestTable(database, NOW, config);
    this.retentionMillis = config.retention().toMillis();
    this.retryAfter = config.retryAfter();
    this.lease = RequestTable.statement(database, LEASE, NOW);
    this.begin = RequestTable.statement(database, BEGIN, NOW);
    this.finish = RequestTable.statement(database, FINISH, NOW);
  }

  @Override
  public String nowMillis() {
    return NOW;
  }

  @Override
  public boolean isOneStatement() {
    return true;
  }

  @Override
  public Claim lease(Connection connection, RequestKey request, long leaseMillis)
      throws SQLException {
    for (int look = 0; look < MAX_ATTEMPTS; look++) {
      Claim granted = upsert(connection, request, leaseMillis);
      if (granted != null) {
        return granted;
      }
      RequestRow row = rows.select(connection, request);
      Claim answer = row == null ? null : row.answer(request);
      if (answer != null) {
        return answer;
      }
    }
    return Claim.inFlight(retryAfter);
  }

  private @Nullable Claim upsert(Connection connection, RequestKey request, long leaseMillis)
      throws SQLException {
    return lease.one(
        connection,
        row -> Claim.granted(row.getLong(1), row.getBoolean(2), TextPairs.read(row.getString(3))),
        request.scope(),
        request.key(),
        request.fingerprint(),
        leaseMillis,
        leaseMillis + retentionMillis);
  }

  /** The answer of {@link #BEGIN}. */
  private record Begun(boolean locked, long now, boolean present) {}

  @Override
  public Claim begin(Connection connection, RequestKey request) throws SQLException {
    Begun begun =
        Objects.requireNonNull(
            begin.one(
                connection,
                row -> new Begun(row.getBoolean(1), row.getLong(2), row.getObject(3) != null),
                lockNumber(request),
                request.scope(),
                request.key()));
    if (!begun.locked()) {
      return whileLocked(connection, request);
    }
    return begun.present()
        ? answerOrTakeOver(connection, request)
        : Claim.granted(begun.now(), false);
  }

  /** Answers while another transaction has the key, or has just finished. */
  private Claim whileLocked(Connection connection, RequestKey request) throws SQLException {
    RequestRow row = rows.select(connection, request);
    Claim answer = row == null ? null : row.answer(request);
    return answer == null ? Claim.inFlight(retryAfter) : answer;
  }

  private Claim answerOrTakeOver(Connection connection, RequestKey request) throws SQLException {
    RequestRow row = rows.select(connection, request);
    if (row == null) {
      return Claim.inFlight(retryAfter);
    }
    Claim answer = row.answer(request);
    if (answer != null) {
      return answer;
    }
    if (!rows.takeOver(connection, request, row.token(), 1)) {
      return Claim.inFlight(retryAfter);
    }
    RequestRow taken = rows.select(connection, request);
    return taken == null ? Claim.inFlight(retryAfter) : taken.granted();
  }

  @Override
  public boolean finish(Connection connection, RequestKey request, long token, StoredResult result)
      throws SQLException {
    return finish.update(
            connection,
            request.scope(),
            request.key(),
            request.fingerprint(),
            token,
            result.status(),
            result.contentType(),
            TextPairs.write(result.headers()),
            result.body(),
            retentionMillis)
        == 1;
  }

  /** Two keys with the same number only wait for each other. */
  private static long lockNumber(RequestKey request) {
    byte[] identity = (request.scope() + '\n' + request.key()).getBytes(StandardCharsets.UTF_8);
    return Long.parseUnsignedLong(Sha256.of(identity), 0, Long.BYTES * 2, 16);
  }
}
