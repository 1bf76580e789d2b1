package io.commslib.jdbc;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Detects before a commit that the database has already rolled the transaction back. The callback
 * may have swallowed the failure that caused it, and not every driver reports it at the commit.
 *
 * <p>PostgreSQL refuses every statement after a failed one and answers COMMIT with a rollback,
 * which its driver does not report. The driver knows the state of the transaction without a round
 * trip. If a wrapper hides the driver, a statement asks the server.
 *
 * <p>MariaDB, MySQL and H2 roll back the whole transaction after a deadlock and begin another one
 * with the next statement. Only the failure itself shows it; the state of the connection does not.
 */
final class CommitCheck {

  private CommitCheck() {}

  /**
   * Refuses a transaction that is already rolled back.
   *
   * @param connection the connection behind the wrapper
   * @param seesAll whether {@code seen} has all statements, so that the server need not be asked if
   *     it has no failure
   * @throws StoreException {@code COMMS-JDBC-016}; or the failure of the check
   */
  static void refuseRolledBack(
      Connection connection, SqlDialect dialect, StatementFailures seen, boolean seesAll) {
    if (dialect == SqlDialect.POSTGRESQL) {
      if (isAborted(connection, seesAll && seen.first() == null)) {
        throw rolledBack(seen.first());
      }
      return;
    }
    SQLException ending = seen.rollingBack();
    if (ending != null && hasEnded(connection, dialect, ending)) {
      throw rolledBack(ending);
    }
  }

  /**
   * Refuses a transaction that is still open after its commit: a pooler has run another prepared
   * statement in its place. The driver knows the state without a round trip. Nothing is detected if
   * a wrapper hides the driver, or if the connection was given back meanwhile, since another user's
   * transaction may be open on it. A driver that has given no names has sent COMMIT itself.
   *
   * @throws StoreException {@code COMMS-JDBC-018}; nothing was committed, and the connection must
   *     be destroyed
   */
  static void refuseUncommitted(Connection connection, JdbcDatabase database) {
    if (database.dialect() == SqlDialect.POSTGRESQL
        && PostgresDriver.isInTransaction(connection)
        && (PostgresDriver.givesNames(connection) || database.sharedSessions().areSeen())
        && !isClosed(connection)) {
      throw SqlErrors.notCommitted();
    }
  }

  private static boolean isClosed(Connection connection) {
    try {
      return connection.isClosed();
    } catch (SQLException | RuntimeException e) {
      return true;
    }
  }

  private static boolean isAborted(Connection connection, boolean isSureToRun) {
    Boolean known = PostgresDriver.isAborted(connection);
    if (known != null) {
      return known;
    }
    if (isSureToRun) {
      return false;
    }
    try {
      PlainSql.number(connection, "SELECT 1");
      return false;
    } catch (SQLException e) {
      if (SqlCondition.isConsequence(e)) {
        return true;
      }
      throw SqlErrors.translate("commit", e);
    }
  }

  /** After a lock timeout the transaction stays open unless the server is configured otherwise. */
  private static boolean hasEnded(Connection connection, SqlDialect dialect, SQLException failure) {
    if (!SqlCondition.isLockTimeout(failure)) {
      return true;
    }
    try {
      return dialect.isMySql()
          && PlainSql.number(connection, "SELECT @@innodb_rollback_on_timeout") != 0;
    } catch (SQLException e) {
      throw SqlErrors.translate("commit", e);
    }
  }

  static StoreException rolledBack(@Nullable SQLException failure) {
    if (failure != null && SqlCondition.of(failure) == SqlCondition.WRONG_SESSION) {
      return SqlErrors.translate("commit", failure);
    }
    return new StoreException(
        SqlCondition.UNKNOWN.code(),
        FailureKind.CONTENTION,
        "commit: the database has rolled the transaction back after a failed statement"
            + (failure == null ? "" : ", state " + failure.getSQLState())
            + " (expected: work that rethrows what it catches, or sets a savepoint before a"
            + " statement that may fail and rolls back to it)",
        failure == null ? null : SqlErrors.withoutValues(failure));
  }
}
