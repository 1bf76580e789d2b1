package io.commslib.idempotency;

import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A row of the table of requests. */
record RequestRow(
    String fingerprint,
    long token,
    long leasedUntil,
    boolean takeover,
    long expiresAt,
    String steps,
    @Nullable StoredResult result,
    long now) {

  /** Maximum number of characters that encode one character of a header. */
  private static final long ESCAPING_FACTOR = 9;

  static final String COLUMNS =
      "fingerprint, token, leased_until, takeover, expires_at, steps, status, content_type,"
          + " headers, body";

  /** Reads {@link #COLUMNS}, followed by the database's clock. */
  static RequestRow read(ResultSet row) throws SQLException {
    int status = row.getInt(7);
    StoredResult result =
        row.wasNull()
            ? null
            : new StoredResult(
                status, row.getString(8), row.getBytes(10), TextPairs.read(row.getString(9)));
    return new RequestRow(
        row.getString(1),
        row.getLong(2),
        row.getLong(3),
        row.getBoolean(4),
        row.getLong(5),
        row.getString(6),
        result,
        row.getLong(11));
  }

  /** Returns the row's answer to a request; null if the key may be taken over. */
  @Nullable Claim answer(RequestKey request) {
    if (expiresAt <= now) {
      return null;
    }
    if (!fingerprint.equals(request.fingerprint())) {
      return Claim.mismatched();
    }
    if (result != null) {
      return Claim.completed(result);
    }
    return leasedUntil > now ? Claim.inFlight(Duration.ofMillis(leasedUntil - now)) : null;
  }

  Claim granted() {
    return Claim.granted(token, takeover, TextPairs.read(steps));
  }

  /** Returns the length of a result's headers in a row; an upper bound if that is small. */
  static long headerChars(StoredResult result) {
    long atMost =
        result.headers().entrySet().stream()
            .mapToLong(
                header -> ESCAPING_FACTOR * (header.getKey().length() + header.getValue().length()))
            .sum();
    return atMost <= RequestTable.MAX_HEADERS_CHARS / 2
        ? atMost
        : TextPairs.write(result.headers()).length();
  }
}
