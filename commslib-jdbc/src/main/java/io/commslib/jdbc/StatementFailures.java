package io.commslib.jdbc;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * The failures of a transaction's statements, as its guarded connection has seen them. The work may
 * have caught them and gone on.
 */
final class StatementFailures {

  private volatile @Nullable SQLException first;
  private volatile @Nullable SQLException rollingBack;

  synchronized void add(SQLException failure) {
    if (first == null) {
      first = failure;
    }
    if (rollingBack == null && SqlCondition.mayEndTransaction(failure)) {
      rollingBack = failure;
    }
  }

  /**
   * A rollback to a savepoint has succeeded. On PostgreSQL the transaction is whole again. Where a
   * failure has ended the transaction, the savepoint is one of the transaction that came after it.
   */
  synchronized void savepointReached() {
    first = null;
  }

  /** Returns the first failure since the last rollback to a savepoint. */
  @Nullable SQLException first() {
    return first;
  }

  /** Returns the first failure with which a database may have rolled back the transaction. */
  @Nullable SQLException rollingBack() {
    return rollingBack;
  }
}
