package io.commslib.jdbc;

import io.commslib.core.checks.Checks;
import io.commslib.core.tx.AfterCommitHooks;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/** A transaction on one connection; ours, or one the caller has begun and will end. */
final class JdbcTransaction implements TransactionContext {

  private enum State {
    OPEN,
    ROLLBACK_ONLY,
    SEALED
  }

  private final Connection connection;
  private final DatabaseId database;
  private final boolean ours;
  private final StatementFailures seen = new StatementFailures();
  private final AfterCommitHooks hooks = new AfterCommitHooks();
  private State state = State.OPEN;
  private volatile boolean over;
  private @Nullable RuntimeException failure;

  JdbcTransaction(Connection connection, DatabaseId database, boolean ours) {
    this.connection = ours ? UnclosableConnection.of(connection, () -> over, seen) : connection;
    this.database = database;
    this.ours = ours;
  }

  @Override
  public DatabaseId database() {
    return database;
  }

  @Override
  public <R> R unwrap(Class<R> type) {
    Checks.check(type == Connection.class, "unwrap", type.getName(), "java.sql.Connection");
    if (over) {
      throw over();
    }
    if (!ours) {
      refuseEnded();
    }
    return type.cast(connection);
  }

  /** Of a connection that is the caller's this much can be seen; drivers ask no server for it. */
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
        "COMMS-JDBC-017: the transaction is over (expected: its work has not returned; what is to be"
            + " written after it needs a transaction of its own)");
  }

  @Override
  public boolean afterCommit(Runnable hook) {
    if (over) {
      throw over();
    }
    if (ours) {
      hooks.add(hook);
    }
    return ours;
  }

  @Override
  public synchronized void setRollbackOnly() {
    if (state == State.OPEN) {
      state = State.ROLLBACK_ONLY;
    }
    failure = null;
  }

  @Override
  public synchronized void fail(RuntimeException newFailure) {
    setRollbackOnly();
    failure = newFailure;
  }

  /** What the work was told of and took no notice of; asked when the work has returned. */
  synchronized @Nullable RuntimeException failure() {
    return failure;
  }

  @Override
  public synchronized boolean isRollbackOnly() {
    return state == State.ROLLBACK_ONLY;
  }

  /** Ends it, and decides for the commit; false if a mark was quicker. */
  synchronized boolean seal() {
    end();
    if (state == State.ROLLBACK_ONLY) {
      return false;
    }
    state = State.SEALED;
    return true;
  }

  /** Returns the failures of the work's statements. */
  StatementFailures seen() {
    return seen;
  }

  /** From now on nothing can be done in it. */
  void end() {
    over = true;
  }

  void runHooks() {
    hooks.run();
  }
}
