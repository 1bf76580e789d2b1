package io.commslib.jdbc;

import io.commslib.core.checks.Checks;
import io.commslib.core.tx.TransactionContext;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Objects;

/** Lets the library's parts take part in a transaction the application has begun itself. */
public final class JdbcTransactions {

  private JdbcTransactions() {}

  /**
   * Wraps a connection whose transaction the caller has begun and will end. It is never committed,
   * rolled back or closed here. {@link TransactionContext#afterCommit} returns false on it, since
   * nobody sees the commit: call {@code outbox.wake()} after commit, else the relay's polling
   * serves. {@link TransactionContext#setRollbackOnly} is only a note the caller may ask for.
   *
   * <p>Its end can't be seen from here. What is returned is for one transaction: join again for the
   * next one. It refuses what comes once the connection is closed or back in auto-commit mode, but
   * a connection whose auto-commit stays off after the commit has begun the next transaction.
   *
   * @param connection with auto-commit off
   * @param database the database it belongs to
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

  /** In auto-commit mode what is written commits alone, and a rollback takes nothing back. */
  static void refuseAutoCommit(Connection connection) throws SQLException {
    if (connection.getAutoCommit()) {
      throw new IllegalStateException(
          "COMMS-JDBC-006: autoCommit: true (expected: false, so that what is written commits with your own work)");
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
   * @throws io.commslib.core.StoreException if the connection is broken
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
   * commits and rolls back with the transaction and must not be ended or closed by hand.
   *
   * @param tx a transaction on JDBC
   * @return its connection, valid as long as the transaction
   * @throws IllegalArgumentException if it is not a transaction on JDBC
   */
  public static Connection connection(TransactionContext tx) {
    return Objects.requireNonNull(tx, "tx").unwrap(Connection.class);
  }

  /**
   * Returns a view of a connection that refuses to end its transaction: {@code commit}, {@code
   * rollback} of the whole, {@code close}, {@code abort} and {@code setAutoCommit} throw. For
   * bindings to frameworks that own the transaction.
   *
   * @param connection what the view passes everything else to
   * @return the view; its refusals are {@code IllegalStateException COMMS-JDBC-005}
   */
  public static Connection guarded(Connection connection) {
    return UnclosableConnection.of(
        Objects.requireNonNull(connection, "connection"), () -> false, new StatementFailures());
  }

  /**
   * Refuses to commit a transaction that the database has rolled back already, because a statement
   * failed and the work caught the failure. For bindings to frameworks that own the transaction, to
   * be called as the last thing before the commit.
   *
   * <p>On PostgreSQL it finds every such transaction: it reads the state that the driver knows, or
   * asks the server by one statement if a wrapper hides the driver. On the other databases it knows
   * of the statements that ran on the {@link #guarded} view.
   *
   * @param connection a guarded view, or the connection itself
   * @param database the database it belongs to
   * @throws io.commslib.core.StoreException {@code COMMS-JDBC-016} of kind {@code CONTENTION} if
   *     the transaction is rolled back; of another code if the server can't be asked
   */
  public static void refuseRolledBack(Connection connection, JdbcDatabase database) {
    UnclosableConnection guard = UnclosableConnection.guardOf(connection);
    CommitCheck.refuseRolledBack(
        guard == null ? connection : guard.connection(),
        database.dialect(),
        guard == null ? new StatementFailures() : guard.statementFailures(),
        false);
  }
}
