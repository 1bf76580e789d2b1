package io.commslib.spring;

import io.commslib.core.tx.TransactionRunner;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.outbox.TransactionBinding;
import org.springframework.transaction.PlatformTransactionManager;
import org.springframework.transaction.support.TransactionTemplate;

/** The two ways into Spring's transactions. */
enum SpringBinding {
  /** Joins one that the application has begun. */
  JOINED {
    @Override
    TransactionBinding on(PlatformTransactionManager manager, JdbcDatabase database) {
      TransactionTemplate template = new TransactionTemplate(manager);
      return of(
          work ->
              template.executeWithoutResult(
                  status -> unchecked(() -> work.run(SpringTransactions.current(database)))));
    }
  },
  /** Begins one. */
  BEGUN {
    @Override
    TransactionBinding on(PlatformTransactionManager manager, JdbcDatabase database) {
      TransactionRunner runner = SpringTransactionRunner.create(manager, database);
      return of(
          work ->
              runner.<Void, Exception>run(
                  tx -> {
                    work.run(tx);
                    return null;
                  }));
    }
  };

  abstract TransactionBinding on(PlatformTransactionManager manager, JdbcDatabase database);

  interface Action {
    void run() throws Exception;
  }

  static void unchecked(Action action) {
    try {
      action.run();
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private interface Runner {
    void run(TransactionBinding.Work work) throws Exception;
  }

  private static TransactionBinding of(Runner runner) {
    return new TransactionBinding() {
      @Override
      public void run(Work work) throws Exception {
        runner.run(work);
      }

      @Override
      public Sight sight() {
        return Sight.SEES_THE_END;
      }
    };
  }
}
