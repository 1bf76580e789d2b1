package io.commslib.jdbc;

import io.commslib.core.Failures;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicBoolean;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Whether failures have shown that a pooler shares the database's sessions between connections.
 * PostgreSQL's driver gives names to statements that are used often, and to BEGIN, COMMIT and
 * ROLLBACK. In another session such a name is unknown, or it is another client's statement, which
 * is then run in its place without a failure. So after the first failure the library makes the
 * driver stop it on each connection that it borrows. Thread-safe.
 */
final class SharedSessions {

  private static final Logger log = LoggerFactory.getLogger(SharedSessions.class);

  /**
   * Fails in every session. With this failure the driver forgets the names that it has given, and
   * no session is changed.
   */
  private static final String FORGET = "DEALLOCATE commslib_no_such_statement";

  private final AtomicBoolean seen = new AtomicBoolean();

  /** Notes a failure and returns it. */
  <X extends Throwable> X noted(X failure) {
    note(failure);
    return failure;
  }

  /** Notes a failure. The first one that shows a wrong session is logged. */
  void note(Throwable failure) {
    if (Failures.isWrongSession(failure) && seen.compareAndSet(false, true)) {
      log.warn(
          "the library stops the use of prepared statements on the connections that it borrows: {}",
          Failures.text(failure));
    }
  }

  boolean areSeen() {
    return seen.get();
  }

  /** Makes the driver give no more names on a connection on which no transaction is open. */
  void stopNames(Connection connection) throws SQLException {
    if (!seen.get() || !PostgresDriver.stopNaming(connection)) {
      return;
    }
    try {
      PlainSql.execute(connection, FORGET);
    } catch (SQLException e) {
      if (SqlErrors.isConnectionLost(e)) {
        throw e;
      }
    }
    if (!connection.getAutoCommit()) {
      connection.rollback();
    }
  }
}
