package io.commslib.jdbc;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Finds out before a commit whether the database has rolled the transaction back already. The work
 * may have caught the failure that did it, and not every driver reports it at the commit.
 *
 * <p>PostgreSQL refuses everything after a failed statement and answers COMMIT with a rollback,
 * which its driver does not report. The driver knows the state of the transaction without asking
 * the server. A driver behind a wrapper that hides it is asked by a statement.
 *
 * <p>MariaDB, MySQL and H2 roll back the whole transaction after a deadlock, and begin another one
 * with the next statement. It can't be seen later; only the failure tells.
 */
final class CommitCheck {

  private static final String ABORTED = "25P02";

  private CommitCheck() {}

  /**
   * Refuses a transaction that is rolled back already.
   *
   * @param connection the connection itself, not its guarded view
   * @param seesAll whether {@code seen} knows of all statements, so that without a failure the
   *     server need not be asked
   * @throws StoreException {@code COMMS-JDBC-016}; or the failure of the question
   */
  static void refuseRolledBack(
      Connection connection, SqlDialect dialect, StatementFailures seen, boolean seesAll) {
    if (dialect == SqlDialect.POSTGRESQL) {
      if (isAborted(connection, seesAll && seen.first() == null)) {
        throw rolledBack(seen.first());
      }
      return;
    }
    SQLException ending = seen.ending();
    if (ending != null && hasEnded(connection, dialect, ending)) {
      throw rolledBack(ending);
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
      if (ABORTED.equals(e.getSQLState())) {
        return true;
      }
      throw SqlErrors.translate("commit", e);
    }
  }

  /** After a lock timeout the transaction goes on, if the server is not set otherwise. */
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
    return new StoreException(
        SqlCondition.UNKNOWN.code(),
        FailureKind.CONTENTION,
        "commit: the database has rolled the transaction back after a failed statement"
            + (failure == null ? "" : ", state " + failure.getSQLState())
            + " (expected: work that throws on what it catches, or that sets a savepoint before a"
            + " statement which may fail and rolls back to it)",
        failure == null ? null : SqlErrors.withoutValues(failure));
  }
}
