package io.commslib.testkit.faults;

import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.core.tx.TransactionWork;

/** Transactions with crash points before and after the commit. */
final class CrashingTransactions implements TransactionRunner {

  private final TransactionRunner transactions;
  private final CrashPoints points;

  CrashingTransactions(TransactionRunner transactions, CrashPoints points) {
    this.transactions = transactions;
    this.points = points;
  }

  @Override
  public <T, X extends Exception> T run(TransactionWork<T, X> work) throws X {
    T result =
        transactions.run(
            tx -> {
              T inner = work.run(tx);
              points.reached("transaction.before-commit");
              return inner;
            });
    points.reached("transaction.committed");
    return result;
  }

  @Override
  public DatabaseId database() {
    return transactions.database();
  }

  @Override
  public boolean needsPlatformThreads() {
    return transactions.needsPlatformThreads();
  }
}
