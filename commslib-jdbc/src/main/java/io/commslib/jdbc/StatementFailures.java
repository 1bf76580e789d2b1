package io.commslib.jdbc;

import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * The failures of a transaction's statements on its guarded connection. The work may have swallowed
 * them.
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
   * Records a successful rollback to a savepoint. On PostgreSQL the transaction is intact again. If
   * a failure has rolled back the transaction, the savepoint belongs to the transaction after it.
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
