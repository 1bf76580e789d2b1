package io.commslib.outbox;

import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.JdbcTransactions;
import java.sql.Connection;
import java.util.function.Function;
import org.jdbi.v3.core.Jdbi;
import org.jooq.DSLContext;
import org.jooq.impl.DSL;

/**
 * Bindings of transactions of which the library knows only the connection, and of its own runner.
 */
public enum Bindings {
  /** A connection whose transaction the caller begins and ends. */
  PLAIN_JDBC(Bindings::plainJdbc),
  /** The library's own runner. */
  OWN_RUNNER(Bindings::ownRunner),
  /** A transaction of jOOQ's. */
  JOOQ(Bindings::jooq),
  /** A transaction of jdbi's. */
  JDBI(Bindings::jdbi);

  private final Function<JdbcDatabase, TransactionBinding> maker;

  Bindings(Function<JdbcDatabase, TransactionBinding> maker) {
    this.maker = maker;
  }

  /**
   * Creates the binding.
   *
   * @param database the database of its transactions
   * @return new binding
   */
  public TransactionBinding on(JdbcDatabase database) {
    return maker.apply(database);
  }

  private static TransactionBinding plainJdbc(JdbcDatabase database) {
    return blind(
        work -> {
          try (Connection connection = database.dataSource().getConnection()) {
            boolean usual = connection.getAutoCommit();
            connection.setAutoCommit(false);
            try {
              work.run(JdbcTransactions.join(connection, database));
              connection.commit();
            } catch (Exception e) {
              connection.rollback();
              throw e;
            } finally {
              connection.setAutoCommit(usual);
            }
          }
        });
  }

  private static TransactionBinding jooq(JdbcDatabase database) {
    DSLContext jooq = DSL.using(database.dataSource(), org.jooq.SQLDialect.DEFAULT);
    return blind(
        work ->
            jooq.transaction(
                settings ->
                    settings
                        .dsl()
                        .connection(
                            connection -> work.run(JdbcTransactions.join(connection, database)))));
  }

  private static TransactionBinding jdbi(JdbcDatabase database) {
    Jdbi jdbi = Jdbi.create(database.dataSource());
    return blind(
        work ->
            jdbi.useTransaction(
                handle -> work.run(JdbcTransactions.join(handle.getConnection(), database))));
  }

  private static TransactionBinding ownRunner(JdbcDatabase database) {
    JdbcTransactionRunner runner = JdbcTransactionRunner.create(database);
    return of(
        work ->
            runner.<Void, Exception>run(
                (TransactionContext tx) -> {
                  work.run(tx);
                  return null;
                }),
        TransactionBinding.Sight.SEES_THE_END);
  }

  private interface Runner {
    void run(TransactionBinding.Work work) throws Exception;
  }

  private static TransactionBinding blind(Runner runner) {
    return of(runner, TransactionBinding.Sight.BLIND);
  }

  private static TransactionBinding of(Runner runner, TransactionBinding.Sight sight) {
    return new TransactionBinding() {
      @Override
      public void run(Work work) throws Exception {
        runner.run(work);
      }

      @Override
      public Sight sight() {
        return sight;
      }
    };
  }
}
