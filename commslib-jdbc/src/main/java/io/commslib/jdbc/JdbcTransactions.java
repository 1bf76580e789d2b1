package io.commslib.jdbc;

import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
import io.commslib.core.tx.TransactionContext;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lets the library take part in a transaction that the application has begun itself. */
public final class JdbcTransactions {

  private static final Logger log = LoggerFactory.getLogger(JdbcTransactions.class);

  private JdbcTransactions() {}

  /**
   * Wraps a connection whose transaction the caller has begun and will end. The library never
   * commits, rolls back or closes it. {@link TransactionContext#afterCommit} returns false on it,
   * because the library does not observe the commit: call {@code outbox.wake()} after the commit,
   * otherwise the relay finds the rows at its next poll. {@link TransactionContext#setRollbackOnly}
   * only sets a mark that the caller may check.
   *
   * <p>The library does not observe the end of the transaction either. The returned context is for
   * one transaction: join again for the next one. It refuses every use once the connection is
   * closed or back in auto-commit mode. A connection whose auto-commit stays off after the commit
   * has already begun the next transaction.
   *
   * @param connection a connection with auto-commit off
   * @param database the connection's database
   * @return the running transaction
   * @throws IllegalStateException {@code COMMS-JDBC-006} if auto-commit is on
   */
  public static TransactionContext join(Connection connection, JdbcDatabase database) {
    Objects.requireNonNull(database, "database");
    try {
      refuseAutoCommit(connection);
    } catch (SQLException e) {
      throw SqlErrors.translate("join", e);
    }
    return new JdbcTransaction(connection, database.id(), false);
  }

  /** In auto-commit mode every statement commits alone and a rollback undoes nothing. */
  static void refuseAutoCommit(Connection connection) throws SQLException {
    if (connection.getAutoCommit()) {
      throw new IllegalStateException(
          "COMMS-JDBC-006: autoCommit: true (expected: false, so that the writes commit with your own work)");
    }
  }

  /**
   * Returns the connection of a running transaction, to write on it. For the stores of the
   * library's modules: each of their calls in a caller's transaction begins with this. Asks no
   * server.
   *
   * @param tx the running transaction
   * @param database the store's
   * @return the connection
   * @throws IllegalArgumentException if the transaction belongs to another database
   * @throws IllegalStateException coded, if the transaction is over; {@code COMMS-JDBC-006} if
   *     auto-commit is on
   * @throws StoreException if the connection is broken
   */
  public static Connection connection(TransactionContext tx, JdbcDatabase database) {
    Checks.check(
        tx.database().equals(database.id()),
        "transaction",
        tx.database(),
        "one on " + database.id());
    Connection connection = tx.unwrap(Connection.class);
    try {
      refuseAutoCommit(connection);
    } catch (SQLException e) {
      throw SqlErrors.translate("transaction", e);
    }
    return connection;
  }

  /**
   * Returns the connection of a running transaction, for the application's own statements. It
   * commits and rolls back with the transaction; do not end or close it.
   *
   * @param tx a transaction on JDBC
   * @return its connection, valid until the transaction ends
   * @throws IllegalArgumentException if it is not a transaction on JDBC
   */
  public static Connection connection(TransactionContext tx) {
    return Objects.requireNonNull(tx, "tx").unwrap(Connection.class);
  }

  /**
   * Returns a view of a connection that refuses to end its transaction: {@code commit}, {@code
   * rollback} of the whole, {@code close}, {@code abort} and {@code setAutoCommit} throw {@code
   * IllegalStateException COMMS-JDBC-005}. For bindings to frameworks that own the transaction.
   *
   * @param connection receives all other calls
   * @return the view
   */
  public static Connection guarded(Connection connection) {
    return UnclosableConnection.of(
        Objects.requireNonNull(connection, "connection"), () -> false, new StatementFailures());
  }

  /**
   * Refuses to commit a transaction that the database has already rolled back because a statement
   * failed and the work swallowed the failure. For bindings to frameworks that own the transaction,
   * which must call it as the last step before the commit.
   *
   * <p>On PostgreSQL it detects every such transaction: it reads the driver's state, or asks the
   * server by one statement if a wrapper hides the driver. On the other databases it detects
   * failures of statements on the {@link #guarded} view.
   *
   * @param connection a guarded view, or the connection itself
   * @param database the connection's database
   * @throws StoreException {@code COMMS-JDBC-016} of kind {@code CONTENTION} if the transaction is
   *     rolled back; with another code if the server can't be asked
   */
  public static void refuseRolledBack(Connection connection, JdbcDatabase database) {
    UnclosableConnection wrapper = UnclosableConnection.wrapperOf(connection);
    CommitCheck.refuseRolledBack(
        wrapper == null ? connection : wrapper.connection(),
        database.dialect(),
        wrapper == null ? new StatementFailures() : wrapper.statementFailures(),
        false);
  }

  /**
   * Prepares a transaction that a framework has just begun: on PostgreSQL, sets isolation READ
   * COMMITTED for it if the database's connections come with another one, and lets the driver
   * prepare no statements behind a pooler that has exchanged sessions. If a statement of the
   * transaction has run already, the driver is left as it is. For bindings to frameworks that own
   * the transaction. Costs no statement in the usual case.
   *
   * @param connection with auto-commit off, on which no statement of the transaction should have
   *     run
   * @param database the connection's database
   * @return restores the setting of the driver; to be run after the end of the transaction, before
   *     the connection is given back. Never throws
   * @throws StoreException of kind {@code TRANSIENT} if the database fails; nothing is to be
   *     restored then
   */
  public static Runnable begun(Connection connection, JdbcDatabase database) {
    Runnable restore = SharedSessions.UNCHANGED;
    try {
      restore = database.sharedSessions().stopNames(connection);
      if (!database.readsCommitted() && database.dialect().setsIsolationOfTransaction()) {
        PlainSql.execute(connection, SqlDialect.READ_COMMITTED);
      }
      return restore;
    } catch (SQLException e) {
      restore.run();
      throw database.sharedSessions().noted(SqlErrors.translateConnect("begin", e));
    }
  }

  /**
   * Refuses a commit that did not happen, because a pooler has run another prepared statement in
   * its place. For bindings to frameworks that own the transaction, which must call it as the first
   * step after the commit. Asks no server, and detects it on PostgreSQL only. A commit is refused
   * only if it is known that it did not happen: nothing is detected on a connection that is closed,
   * that hides its driver, or whose driver prepares no statements.
   *
   * @param connection a guarded view, or the connection itself, with which the transaction ran; it
   *     is destroyed if it is refused
   * @param database the connection's database
   * @throws io.commslib.core.WrongSessionException {@code COMMS-JDBC-018}; nothing was committed
   */
  public static void refuseUncommitted(Connection connection, JdbcDatabase database) {
    UnclosableConnection wrapper = UnclosableConnection.wrapperOf(connection);
    Connection committed = wrapper == null ? connection : wrapper.connection();
    try {
      CommitCheck.refuseUncommitted(committed, database);
    } catch (StoreException e) {
      database.sharedSessions().note(e);
      destroy(committed);
      throw e;
    }
  }

  /**
   * Destroys a connection instead of a rollback after a {@link
   * io.commslib.core.WrongSessionException}: a pooler might run another prepared statement in place
   * of ROLLBACK. The database rolls back. For bindings to frameworks that own the transaction.
   *
   * @param connection a guarded view, or the connection itself
   */
  public static void destroy(Connection connection) {
    UnclosableConnection wrapper = UnclosableConnection.wrapperOf(connection);
    try {
      (wrapper == null ? connection : wrapper.connection()).abort(Runnable::run);
    } catch (SQLException | RuntimeException | LinkageError e) {
      log.debug("a connection could not be destroyed", e);
    }
  }
}
