package io.commslib.jdbc;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * A connection that changes a database's tables. One process at a time has the lock; others wait
 * for it. On PostgreSQL the transaction of the changes owns the lock. The other databases commit
 * with each change of a table: on MySQL and MariaDB the session owns it, on H2 a separate
 * connection.
 *
 * <p>A change that waits for a table blocks all later users of that table. It therefore waits
 * briefly. On PostgreSQL it waits less than the second after which the server checks for deadlocks,
 * so that the change fails before a writer does.
 */
final class SchemaLock implements AutoCloseable {

  /** Maximum wait for another process that changes the schema. */
  static final int WAIT_SECONDS = 60;

  /** Maximum wait of a change for a table. */
  private static final int TABLE_MILLIS = 500;

  /** The same on MySQL and MariaDB, which count seconds. */
  private static final int TABLE_SECONDS = 1;

  private static final long POSTGRESQL_KEY = 7_205_759_403_792_801L;
  private static final String MYSQL_NAME = "'commslib_schema'";

  private final JdbcDatabase database;
  private final SchemaConnection work;
  private @Nullable SchemaConnection holder;

  private SchemaLock(JdbcDatabase database, SchemaConnection work) {
    this.database = database;
    this.work = work;
  }

  /**
   * Waits for the lock; {@code doing} is the beginning of the error text if another process has it.
   */
  static SchemaLock take(JdbcDatabase database, String doing, int waitSeconds) throws SQLException {
    SchemaLock lock = new SchemaLock(database, SchemaConnection.of(database));
    try {
      if (!lock.take(waitSeconds)) {
        throw heldByAnotherProcess(doing, waitSeconds, null);
      }
      return lock;
    } catch (SQLException | RuntimeException e) {
      lock.close();
      if (e instanceof SQLException failure && SqlErrors.isLockTimeout(failure)) {
        throw heldByAnotherProcess(doing, waitSeconds, failure);
      }
      throw e;
    }
  }

  private boolean take(int waitSeconds) throws SQLException {
    return switch (database.dialect()) {
      case POSTGRESQL -> takeInTransaction(waitSeconds);
      case MARIADB, MYSQL -> takeInSession(waitSeconds);
      case H2 -> takeOnSeparateConnection(waitSeconds);
    };
  }

  private boolean takeInTransaction(int waitSeconds) throws SQLException {
    if (!database.readsCommitted()) {
      // Otherwise the transaction would not see the commits of the previous owner of the lock.
      work.execute(SqlDialect.READ_COMMITTED);
    }
    work.execute(SqlDialect.POSTGRESQL.lockTimeout(1_000 * waitSeconds));
    work.execute("SELECT pg_advisory_xact_lock(" + POSTGRESQL_KEY + ")");
    // Otherwise the server may use the catalog that it read before the wait, without the schema.
    work.execute("SELECT 1 FROM pg_catalog.pg_namespace LIMIT 1");
    work.execute(SqlDialect.POSTGRESQL.lockTimeout(TABLE_MILLIS));
    return true;
  }

  private boolean takeInSession(int waitSeconds) throws SQLException {
    for (String setting : new String[] {"lock_wait_timeout", "innodb_lock_wait_timeout"}) {
      work.onClose("SET SESSION " + setting + " = " + work.number("SELECT @@SESSION." + setting));
      work.execute("SET SESSION " + setting + " = " + TABLE_SECONDS);
    }
    if (work.number("SELECT GET_LOCK(" + MYSQL_NAME + ", " + waitSeconds + ")") != 1) {
      return false;
    }
    work.onClose("SELECT RELEASE_LOCK(" + MYSQL_NAME + ")");
    return true;
  }

  private boolean takeOnSeparateConnection(int waitSeconds) throws SQLException {
    SchemaConnection own = SchemaConnection.of(database);
    holder = own;
    limitWaitsOnH2(own, 1_000 * waitSeconds);
    own.execute("CREATE TABLE IF NOT EXISTS PUBLIC.COMMSLIB_SCHEMA_LOCK (ID INT PRIMARY KEY)");
    own.execute("MERGE INTO PUBLIC.COMMSLIB_SCHEMA_LOCK KEY (ID) VALUES (1)");
    limitWaitsOnH2(work, TABLE_MILLIS);
    return true;
  }

  private static void limitWaitsOnH2(SchemaConnection loan, int millis) throws SQLException {
    loan.onClose(SqlDialect.H2.lockTimeout(loan.number("CALL LOCK_TIMEOUT()")));
    loan.execute(SqlDialect.H2.lockTimeout(millis));
  }

  private static StoreException heldByAnotherProcess(
      String doing, int waitSeconds, @Nullable SQLException cause) {
    return new StoreException(
        "COMMS-JDBC-013",
        FailureKind.CONTENTION,
        doing
            + ": another process has been changing tables for "
            + waitSeconds
            + " s (expected: that it ends; wait, then run SchemaScripts.apply again)",
        cause == null ? null : SqlErrors.withoutValues(cause));
  }

  Connection connection() {
    return work.connection();
  }

  void execute(String sql) throws SQLException {
    work.execute(sql);
  }

  @Override
  public void close() {
    work.close();
    if (holder != null) {
      holder.close();
    }
  }
}
