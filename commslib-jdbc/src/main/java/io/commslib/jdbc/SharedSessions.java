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
 * driver stop it on each connection that it borrows, for as long as it has the connection.
 * Thread-safe.
 */
final class SharedSessions {

  private static final Logger log = LoggerFactory.getLogger(SharedSessions.class);

  /**
   * Fails in every session. With this failure the driver forgets the names that it has given, and
   * no session is changed.
   */
  private static final String FORGET = "DEALLOCATE commslib_no_such_statement";

  /** Restores nothing. */
  static final Runnable UNCHANGED = () -> {};

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

  /**
   * Makes the driver give no more names on a connection. Returns the task that restores the setting
   * of the driver, to be run before the connection is given back. Changes nothing while a
   * transaction of other code is open: it would end with the failure that this needs. In
   * auto-commit mode none is open, except by a statement that ran in place of another one, and such
   * a one should end.
   */
  Runnable stopNames(Connection connection) throws SQLException {
    if (!seen.get()
        || (PostgresDriver.isInTransaction(connection) && !connection.getAutoCommit())) {
      return UNCHANGED;
    }
    Runnable restore = PostgresDriver.stopNaming(connection);
    if (restore == null) {
      return UNCHANGED;
    }
    try {
      forgetNames(connection);
    } catch (Throwable e) {
      restore.run();
      throw e;
    }
    return restore;
  }

  private static void forgetNames(Connection connection) throws SQLException {
    SQLException other = null;
    try {
      PlainSql.execute(connection, FORGET);
    } catch (SQLException e) {
      other = SqlCondition.of(e) == SqlCondition.WRONG_SESSION ? null : e;
    }
    if (!connection.getAutoCommit()) {
      // It ends the transaction that this statement began.
      connection.rollback();
    }
    if (other != null) {
      throw other;
    }
  }
}
