package io.commslib.idempotency;

import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.SQLException;

/** Claims and stores results of requests; one implementation for each kind of database. */
interface RequestClaims {

  /** Returns the database's clock in milliseconds since 1970 as an SQL expression. */
  String nowMillis();

  /** Returns whether {@link #lease} is one statement, so that it can commit by itself. */
  boolean isOneStatement();

  /** Claims by lease. */
  Claim lease(Connection connection, RequestKey request, long leaseMillis) throws SQLException;

  /** Claims in the transaction of the effects. */
  Claim begin(Connection connection, RequestKey request) throws SQLException;

  /** Stores the result in such a transaction; returns false if the key was taken over. */
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
