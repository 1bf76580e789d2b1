package io.commslib.jdbc;

import io.commslib.core.checks.Checks;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionState;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** A transaction on one connection: begun by the runner, or by the caller who also ends it. */
final class JdbcTransaction implements TransactionContext {

  private final Connection connection;
  private final DatabaseId database;
  private final boolean owned;
  private final StatementFailures statementFailures = new StatementFailures();
  private final TransactionState state = new TransactionState();

  JdbcTransaction(Connection connection, DatabaseId database, boolean ours) {
    this.connection =
        ours ? UnclosableConnection.of(connection, state::isOver, statementFailures) : connection;
    this.database = database;
    this.owned = ours;
  }

  @Override
  public DatabaseId database() {
    return database;
  }

  @Override
  public <R> R unwrap(Class<R> type) {
    Checks.check(type == Connection.class, "unwrap", type.getName(), "java.sql.Connection");
    if (state.isOver()) {
      throw over();
    }
    if (!owned) {
      refuseEnded();
    }
    return type.cast(connection);
  }

  /**
   * The only signs of the end on a caller's connection; drivers check them without a round trip.
   */
  private void refuseEnded() {
    try {
      if (connection.isClosed()) {
        throw over();
      }
      JdbcTransactions.refuseAutoCommit(connection);
    } catch (SQLException e) {
      throw SqlErrors.translate("join", e);
    }
  }

  static IllegalStateException over() {
    return new IllegalStateException(
        "COMMS-JDBC-017: the transaction is over (expected: use before its work returns; later writes"
            + " need a new transaction)");
  }

  @Override
  public boolean afterCommit(Runnable hook) {
    if (state.isOver()) {
      throw over();
    }
    if (owned) {
      state.addHook(hook);
    }
    return owned;
  }

  @Override
  public void setRollbackOnly() {
    state.setRollbackOnly();
  }

  @Override
  public void fail(RuntimeException failure) {
    state.fail(failure);
  }

  @Override
  public boolean isRollbackOnly() {
    return state.isRollbackOnly();
  }

  /** Failure that was reported to the callback and swallowed by it. */
  @Nullable RuntimeException failure() {
    return state.failure();
  }

  /** Ends it and decides for the commit; false if it was marked rollback-only before. */
  boolean seal() {
    state.end();
    return state.seal();
  }

  /** Returns the connection of the work, also after the end. */
  Connection connection() {
    return connection;
  }

  /** Returns the failures of the work's statements. */
  StatementFailures statementFailures() {
    return statementFailures;
  }

  void end() {
    state.end();
  }

  void runHooks() {
    state.runHooks();
  }
}
