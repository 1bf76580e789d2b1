package io.commslib.idempotency;

import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.SQLException;

/** What differs between databases about requests with results. */
interface RequestClaims {

  /** Returns the database's clock in milliseconds since 1970 as an SQL expression. */
  String nowMillis();

  /** Whether {@link #lease} is one statement, so that it can commit itself. */
  boolean isOneStatement();

  /** Claims by lease. */
  Claim lease(Connection connection, RequestKey request, long leaseMillis) throws SQLException;

  /** Claims in a transaction that goes on with the effects. */
  Claim begin(Connection connection, RequestKey request) throws SQLException;

  /** Stores the result in such a transaction; false if the key is another's by now. */
  boolean finish(Connection connection, RequestKey request, long token, StoredResult result)
      throws SQLException;

  static RequestClaims of(JdbcDatabase database, IdempotencyConfig config) {
    return switch (database.dialect()) {
      case H2 -> new H2RequestClaims(database, config);
      case MARIADB, MYSQL -> new MySqlRequestClaims(database, config);
      case POSTGRESQL -> new PostgresRequestClaims(database, config);
    };
  }
}
