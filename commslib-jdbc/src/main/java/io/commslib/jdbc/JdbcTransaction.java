package io.commslib.jdbc;

import io.commslib.core.spi.Checks;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A transaction on one connection; ours, or one the caller has begun and will end. */
final class JdbcTransaction implements TransactionContext {

  private static final Logger log = LoggerFactory.getLogger(JdbcTransaction.class);

  private enum State {
    OPEN,
    ROLLBACK_ONLY,
    SEALED
  }

  private final Connection guarded;
  private final DatabaseId database;
  private final boolean ours;
  private final List<Runnable> hooks = new ArrayList<>();
  private State state = State.OPEN;
  private @Nullable RuntimeException failure;

  JdbcTransaction(Connection connection, DatabaseId database, boolean ours) {
    this.guarded = ours ? GuardedConnection.of(connection) : connection;
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
    return type.cast(guarded);
  }

  @Override
  public boolean afterCommit(Runnable hook) {
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

  /** Decides for the commit; false if a mark was quicker. */
  synchronized boolean seal() {
    if (state == State.ROLLBACK_ONLY) {
      return false;
    }
    state = State.SEALED;
    return true;
  }

  void forgetHooks() {
    hooks.clear();
  }

  void runHooks() {
    for (Runnable hook : hooks) {
      try {
        hook.run();
      } catch (RuntimeException e) {
        log.error("after-commit hook failed", e);
      }
    }
  }
}
