package io.commslib.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionWork;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import javax.sql.DataSource;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Contract of transactions on plain JDBC; run on each database. */
public abstract class JdbcTransactionContract {

  private JdbcDatabase database;
  private JdbcTransactionRunner transactions;

  /** Returns the database under test. */
  protected abstract DataSource dataSource();

  @BeforeEach
  void freshTable() {
    TestDatabases.execute(
        dataSource(), "DROP TABLE IF EXISTS work", "CREATE TABLE work (id int PRIMARY KEY)");
    database = JdbcDatabase.builder(dataSource()).build();
    transactions = JdbcTransactionRunner.create(database);
  }

  @Test
  void commitsWhenTheWorkReturns() throws SQLException {
    String result =
        transactions.run(
            tx -> {
              insert(tx, 1);
              return "done";
            });
    assertThat(result).isEqualTo("done");
    assertThat(rows()).isEqualTo(1);
  }

  @Test
  void rollsBackAndThrowsWhatTheWorkThrew() {
    Exception failure = new Exception("business");
    assertThatThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      insert(tx, 1);
                      throw failure;
                    }))
        .isSameAs(failure);
    assertThat(rows()).isZero();
  }

  @Test
  void rollsBackOnAnError() {
    assertThatThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      insert(tx, 1);
                      throw new StackOverflowError();
                    }))
        .isInstanceOf(StackOverflowError.class);
    assertThat(rows()).isZero();
  }

  @Test
  void rollsBackButReturnsTheResultWhenMarkedByAnotherThread() throws Exception {
    String result =
        transactions.<String, Exception>run(
            tx -> {
              insert(tx, 1);
              Thread other = new Thread(tx::setRollbackOnly);
              other.start();
              other.join();
              assertThat(tx.isRollbackOnly()).isTrue();
              return "retry";
            });
    assertThat(result).isEqualTo("retry");
    assertThat(rows()).isZero();
  }

  @Test
  void throwsTheFailureOfAStoreThatTheWorkSwallowed() {
    StoreException failure =
        new StoreException("COMMS-TEST-001", FailureKind.CONTENTION, "a store", null);
    assertThatThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      insert(tx, 1);
                      tx.fail(failure);
                      assertThat(tx.isRollbackOnly()).isTrue();
                      return "done";
                    }))
        .isSameAs(failure);
    assertThat(rows()).isZero();
  }

  @Test
  void returnsTheResultWhenTheWorkHandlesTheFailureAndRollsBack() throws SQLException {
    String result =
        transactions.run(
            tx -> {
              insert(tx, 1);
              tx.fail(new IllegalStateException("a store"));
              tx.setRollbackOnly();
              return "known";
            });
    assertThat(result).isEqualTo("known");
    assertThat(rows()).isZero();
  }

  @Test
  void aFailedStatementThatTheWorkSwallowsIsReported() throws SQLException {
    TestDatabases.execute(dataSource(), "INSERT INTO work VALUES (7)");
    swallows(
        tx -> {
          insert(tx, 1);
          quietly(() -> insert(tx, 7));
        },
        "23505");
  }

  @Test
  void aFailedBatchThatTheWorkSwallowsIsReported() throws SQLException {
    TestDatabases.execute(dataSource(), "INSERT INTO work VALUES (7)");
    swallows(
        tx -> {
          insert(tx, 1);
          quietly(
              () -> {
                try (PreparedStatement statement =
                    tx.unwrap(Connection.class).prepareStatement("INSERT INTO work VALUES (?)")) {
                  statement.setInt(1, 7);
                  statement.addBatch();
                  statement.executeBatch();
                }
              });
        },
        "23505");
  }

  @Test
  void aFailureWhileReadingRowsThatTheWorkSwallowsIsReported() throws SQLException {
    TestDatabases.execute(dataSource(), "INSERT INTO work VALUES (7), (0)");
    swallows(
        tx -> {
          insert(tx, 1);
          try (Statement statement = tx.unwrap(Connection.class).createStatement()) {
            statement.setFetchSize(1);
            ResultSet rows = statement.executeQuery("SELECT 1 / id FROM work ORDER BY id DESC");
            while (rows.next()) {
              rows.getInt(1);
            }
          } catch (SQLException caught) {
            // MariaDB returns null instead.
          }
        },
        null);
  }

  /** Runs work that swallows a failure: its writes are committed, or the caller gets a failure. */
  private void swallows(Work work, @Nullable String state) {
    int before = rows();
    List<String> hooks = new ArrayList<>();
    TransactionWork<Object, SQLException> whole =
        tx -> {
          tx.afterCommit(() -> hooks.add("hook"));
          work.run(tx);
          return "done";
        };
    if (database.dialect() != SqlDialect.POSTGRESQL) {
      assertThatCode(() -> transactions.run(whole)).doesNotThrowAnyException();
      assertThat(rows()).as("only the statement was rolled back").isEqualTo(before + 1);
      return;
    }
    refusedAsRolledBack(() -> transactions.run(whole), state);
    assertThat(rows()).isEqualTo(before);
    assertThat(hooks).isEmpty();
  }

  private static void refusedAsRolledBack(ThrowingCallable run, @Nullable String state) {
    assertThatThrownBy(run)
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> {
              assertThat(e.code()).isEqualTo("COMMS-JDBC-016");
              assertThat(e.kind()).as("a failed attempt").isEqualTo(FailureKind.CONTENTION);
              assertThat(e)
                  .hasMessage(
                      "COMMS-JDBC-016: commit: the database has rolled the transaction back after a"
                          + " failed statement"
                          + (state == null ? "" : ", state " + state)
                          + " (expected: work that rethrows what it catches, or sets a"
                          + " savepoint before a statement that may fail and rolls back to it)");
            });
  }

  private interface Work {
    void run(TransactionContext tx) throws SQLException;
  }

  private interface Step {
    void run() throws Exception;
  }

  private static void quietly(Step step) {
    assertThatThrownBy(step::run).isInstanceOf(SQLException.class);
  }

  @Test
  void aFailureRolledBackToASavepointKeepsTheTransaction() throws SQLException {
    transactions.run(
        tx -> {
          Connection connection = tx.unwrap(Connection.class);
          insert(tx, 1);
          Savepoint savepoint = connection.setSavepoint();
          quietly(() -> insert(tx, 1));
          connection.rollback(savepoint);
          insert(tx, 2);
          return null;
        });
    assertThat(rows()).isEqualTo(2);
  }

  @Test
  void aDriverThatHidesItsStateIsAskedByAStatementAfterAFailureOnly() throws SQLException {
    FaultyDataSource hidden =
        new FaultyDataSource(dataSource())
            .failing("isWrapperFor", new SQLException("not a wrapper"));
    JdbcTransactionRunner runner =
        JdbcTransactionRunner.create(JdbcDatabase.builder(hidden).build());
    runner.run(
        tx -> {
          // Its isolation may take a statement before the work.
          hidden.calls.clear();
          return null;
        });
    assertThat(hidden.calls).doesNotContain("createStatement");
    ThrowingCallable swallowing =
        () ->
            runner.run(
                tx -> {
                  insert(tx, 1);
                  quietly(() -> insert(tx, 1));
                  return null;
                });
    if (database.dialect() == SqlDialect.POSTGRESQL) {
      refusedAsRolledBack(swallowing, "23505");
      assertThat(rows()).isZero();
    } else {
      assertThatCode(swallowing).doesNotThrowAnyException();
      assertThat(rows()).isEqualTo(1);
    }
  }

  /** The database rolls back all writes and begins another transaction by itself. */
  @Test
  void aDeadlockThatTheWorkSwallowsCommitsNoPartOfTheWork() throws Exception {
    if (database.dialect() == SqlDialect.POSTGRESQL) {
      // PostgreSQL treats it like every other failure, and timing decides which transaction fails.
      return;
    }
    try (Deadlock duel = Deadlock.begin(dataSource(), database.dialect())) {
      refusedAsRolledBack(
          () ->
              transactions.run(
                  tx -> {
                    Connection connection = tx.unwrap(Connection.class);
                    insert(tx, 1);
                    Savepoint early = connection.setSavepoint();
                    duel.lose(connection);
                    if (database.dialect().isMySql()) {
                      // The binding to Spring relies on this.
                      quietly(() -> connection.releaseSavepoint(early));
                    }
                    connection.rollback(connection.setSavepoint());
                    insert(tx, 2);
                    return null;
                  }),
          "40001");
    }
    assertThat(rows()).as("neither what was before the deadlock nor what came after").isZero();
  }

  @Test
  void aFailureOnAnotherConnectionKeepsTheTransaction() throws SQLException {
    transactions.run(
        tx -> {
          insert(tx, 1);
          try (Connection other = dataSource().getConnection();
              Statement statement = other.createStatement()) {
            quietly(() -> statement.execute("nonsense"));
          }
          return null;
        });
    assertThat(rows()).isEqualTo(1);
  }

  @Test
  void refusesToEndTheTransactionThroughItsConnection() throws SQLException {
    transactions.run(
        tx -> {
          Connection connection = tx.unwrap(Connection.class);
          insert(tx, 1);
          refused("commit", connection::commit);
          refused("rollback", connection::rollback);
          refused("close", connection::close);
          refused("setAutoCommit", () -> connection.setAutoCommit(true));
          refused("abort", () -> connection.abort(Runnable::run));
          refused("commit", () -> connection.unwrap(Connection.class).commit());
          refused("commit", () -> connection.getMetaData().getConnection().commit());
          try (PreparedStatement prepared = connection.prepareStatement("SELECT 1");
              Statement plain = connection.createStatement()) {
            refused("commit", () -> prepared.getConnection().commit());
            refused("commit", () -> plain.getConnection().commit());
            assertThat(plain.getConnection()).isEqualTo(connection);
          }
          tx.setRollbackOnly();
          return null;
        });
    assertThat(rows()).isZero();
  }

  private static void refused(String method, ThrowingCallable call) {
    assertThatIllegalStateException()
        .isThrownBy(call::call)
        .withMessage(
            "COMMS-JDBC-005: Connection.%s (expected: the transaction runner ends the transaction)",
            method);
  }

  @Test
  void allowsSavepoints() throws SQLException {
    transactions.run(
        tx -> {
          Connection connection = tx.unwrap(Connection.class);
          insert(tx, 1);
          Savepoint savepoint = connection.setSavepoint();
          insert(tx, 2);
          connection.rollback(savepoint);
          return null;
        });
    assertThat(rows()).isEqualTo(1);
  }

  @Test
  void runsHooksInOrderAfterTheCommitAlthoughOneFails() throws SQLException {
    List<String> seen = new ArrayList<>();
    transactions.run(
        tx -> {
          insert(tx, 1);
          assertThat(tx.afterCommit(() -> seen.add("first, rows " + rows()))).isTrue();
          tx.afterCommit(
              () -> {
                throw new IllegalStateException("a hook that fails");
              });
          return tx.afterCommit(() -> seen.add("second"));
        });
    assertThat(seen).containsExactly("first, rows 1", "second");
  }

  @Test
  void refusesUseAfterTheEndOfTheTransaction() throws Exception {
    List<TransactionContext> kept = new ArrayList<>();
    List<AutoCloseable> opened = new ArrayList<>();
    List<Connection> connections = new ArrayList<>();
    transactions.run(
        tx -> {
          kept.add(tx);
          Connection connection = tx.unwrap(Connection.class);
          connections.add(connection);
          opened.add(connection.prepareStatement("INSERT INTO work VALUES (7)"));
          tx.afterCommit(() -> assertOver(tx));
          return null;
        });
    transactions.run(
        tx -> {
          kept.add(tx);
          tx.setRollbackOnly();
          return null;
        });
    assertThatThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      kept.add(tx);
                      throw new IllegalStateException("business");
                    }))
        .hasMessage("business");
    // The pool's connection belongs to another user.
    transactions.run(
        other -> {
          kept.forEach(JdbcTransactionContract::assertOver);
          refusedAsOver(() -> ((PreparedStatement) opened.get(0)).executeUpdate());
          refusedAsOver(() -> connections.get(0).createStatement());
          refusedAsOver(() -> connections.get(0).getMetaData());
          assertThat(connections.get(0).isClosed()).isTrue();
          opened.get(0).close();
          return null;
        });
    Thread elsewhere = new Thread(() -> kept.forEach(JdbcTransactionContract::assertOver));
    List<Throwable> thrown = new ArrayList<>();
    elsewhere.setUncaughtExceptionHandler((thread, e) -> thrown.add(e));
    elsewhere.start();
    elsewhere.join();
    assertThat(thrown).as("on another thread").isEmpty();
    assertThat(rows()).isZero();
  }

  private static void assertOver(TransactionContext tx) {
    refusedAsOver(() -> tx.unwrap(Connection.class));
    refusedAsOver(() -> tx.afterCommit(() -> {}));
    tx.setRollbackOnly();
    tx.fail(new IllegalStateException("late"));
  }

  private static void refusedAsOver(ThrowingCallable call) {
    assertThatIllegalStateException()
        .isThrownBy(call)
        .withMessage(
            "COMMS-JDBC-017: the transaction is over (expected: use before its work returns; later"
                + " writes need a new transaction)");
  }

  @Test
  void aJoinedTransactionIsOverWhenItsConnectionIsClosedOrCommitsByItself() throws SQLException {
    TransactionContext tx;
    try (Connection connection = dataSource().getConnection()) {
      connection.setAutoCommit(false);
      tx = JdbcTransactions.join(connection, database);
      JdbcTransactions.connection(tx, database);
      connection.commit();
      connection.setAutoCommit(true);
      assertThatIllegalStateException()
          .isThrownBy(() -> tx.unwrap(Connection.class))
          .withMessage(
              "COMMS-JDBC-006: autoCommit: true (expected: false, so that the writes commit with"
                  + " your own work)");
    }
    refusedAsOver(() -> tx.unwrap(Connection.class));
  }

  @Test
  void runsNoHookAfterARollback() throws SQLException {
    List<String> seen = new ArrayList<>();
    transactions.run(
        tx -> {
          tx.afterCommit(() -> seen.add("marked"));
          tx.setRollbackOnly();
          return null;
        });
    assertThatThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      tx.afterCommit(() -> seen.add("thrown"));
                      throw new IllegalStateException("business");
                    }))
        .isInstanceOf(IllegalStateException.class);
    assertThat(seen).isEmpty();
  }

  @Test
  void aTransactionInsideAnotherCommitsByItself() throws SQLException {
    transactions.run(
        outer -> {
          insert(outer, 1);
          transactions.run(
              inner -> {
                insert(inner, 2);
                return null;
              });
          outer.setRollbackOnly();
          return null;
        });
    assertThat(TestDatabases.number(dataSource(), "SELECT id FROM work")).isEqualTo(2);
  }

  @Test
  void runsReadCommittedWhateverTheIsolationOfTheConnections() throws SQLException {
    JdbcDatabase strict =
        JdbcDatabase.builder(
                new FaultyDataSource(dataSource()) {
                  @Override
                  public Connection getConnection() throws SQLException {
                    Connection connection = super.getConnection();
                    connection.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
                    return connection;
                  }
                })
            .build();
    for (JdbcDatabase each : List.of(database, strict)) {
      int seenMore =
          JdbcTransactionRunner.create(each)
              .<Integer, SQLException>run(
                  tx -> {
                    int before = count(tx);
                    TestDatabases.execute(
                        dataSource(), "INSERT INTO work VALUES (" + (before + 1) + ")");
                    return count(tx) - before;
                  });
      assertThat(seenMore).as("reads what others commit").isEqualTo(1);
    }
  }

  private static int count(TransactionContext tx) throws SQLException {
    try (Statement statement = tx.unwrap(Connection.class).createStatement();
        ResultSet row = statement.executeQuery("SELECT count(*) FROM work")) {
      row.next();
      return row.getInt(1);
    }
  }

  /** H2 has no statement for it; it restores what it has set. */
  @Test
  void setsTheIsolationInsideTheTransactionAndNotForTheSession() throws SQLException {
    FaultyDataSource counted =
        new FaultyDataSource(
            new FaultyDataSource(dataSource()) {
              @Override
              public Connection getConnection() throws SQLException {
                Connection connection = super.getConnection();
                connection.setTransactionIsolation(Connection.TRANSACTION_REPEATABLE_READ);
                return connection;
              }
            });
    JdbcDatabase strict = JdbcDatabase.builder(counted).build();
    counted.calls.clear();
    JdbcTransactionRunner.create(strict).run(tx -> null);
    if (strict.dialect() != SqlDialect.POSTGRESQL) {
      // Their statement would set the isolation of the next transaction, possibly another user's.
      assertThat(counted.calls.stream().filter("setTransactionIsolation"::equals)).hasSize(2);
    } else {
      assertThat(counted.calls)
          .containsSubsequence("setAutoCommit", "createStatement", "commit", "setAutoCommit")
          .doesNotContain("getTransactionIsolation", "setTransactionIsolation");
    }
  }

  @Test
  void reportsAConnectionLostInTheWorkAsTransient() {
    SQLException lost = new SQLException("gone", "08006");
    assertThatThrownBy(
            () ->
                transactions.run(
                    tx -> {
                      insert(tx, 1);
                      throw new IllegalStateException("insert into t values ('SECRET')", lost);
                    }))
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.TRANSIENT))
        .hasRootCause(lost)
        .satisfies(e -> assertThat(e.getCause().toString()).doesNotContain("SECRET"));
    assertThat(rows()).isZero();
  }

  @Test
  void reportsAConnectionLostDuringCommitAsUnknownResultAndRunsNoHook() {
    List<String> seen = new ArrayList<>();
    FaultyDataSource faulty =
        new FaultyDataSource(dataSource()).failing("commit", new SQLException("gone", "08006"));
    assertThatThrownBy(
            () ->
                JdbcTransactionRunner.create(JdbcDatabase.builder(faulty).build())
                    .run(tx -> tx.afterCommit(() -> seen.add("hook"))))
        .isInstanceOfSatisfying(
            StoreException.class,
            e -> {
              assertThat(e.kind()).isEqualTo(FailureKind.UNKNOWN_RESULT);
              assertThat(e).hasMessage("COMMS-JDBC-004: commit: connection lost, result unknown");
            });
    assertThat(seen).isEmpty();
  }

  @Test
  void reportsACommitRefusedByAConflictAsContention() {
    FaultyDataSource faulty =
        new FaultyDataSource(dataSource()).failing("commit", new SQLException("conflict", "40001"));
    assertThatThrownBy(
            () ->
                JdbcTransactionRunner.create(JdbcDatabase.builder(faulty).build())
                    .run(
                        tx -> {
                          insert(tx, 1);
                          return null;
                        }))
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.CONTENTION));
    assertThat(rows()).isZero();
  }

  @Test
  void neverSwitchesAutoCommitOnAfterAFailedRollbackSinceThatWouldCommit() {
    FaultyDataSource faulty =
        new FaultyDataSource(dataSource()).failing("rollback", new SQLException("no", "XX000"));
    JdbcTransactionRunner runner =
        JdbcTransactionRunner.create(JdbcDatabase.builder(faulty).build());
    assertThatThrownBy(
            () ->
                runner.run(
                    tx -> {
                      insert(tx, 1);
                      throw new IllegalStateException("business");
                    }))
        .isInstanceOf(IllegalStateException.class);
    assertThat(rows()).isZero();
    assertThat(faulty.calls.stream().filter("setAutoCommit"::equals).count())
        .as("only the one that began the transaction")
        .isEqualTo(1);
  }

  /**
   * Most of these calls need no round trip; a further one that does would cost one for each
   * transaction.
   */
  @Test
  void returningAnUnchangedConnectionCostsNoCall() throws SQLException {
    FaultyDataSource counted =
        new FaultyDataSource(
            new FaultyDataSource(dataSource()) {
              @Override
              public Connection getConnection() throws SQLException {
                Connection connection = super.getConnection();
                connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
                return connection;
              }
            });
    JdbcDatabase usual = JdbcDatabase.builder(counted).build();
    counted.calls.clear();
    JdbcTransactionRunner.create(usual).run(tx -> null);
    // These two reach the driver's own state, which needs no round trip.
    counted.calls.removeAll(List.of("isWrapperFor", "unwrap"));
    assertThat(counted.calls)
        .containsExactly("getAutoCommit", "setAutoCommit", "commit", "setAutoCommit", "close");
    counted.calls.clear();
    SingleStatements.readingCommittedOn(usual).run("test", connection -> null);
    assertThat(counted.calls).containsExactly("getAutoCommit", "close");
  }

  @Test
  void reportsAFailureToConnectAsTransient() {
    FaultyDataSource faulty = new FaultyDataSource(dataSource());
    JdbcTransactionRunner runner =
        JdbcTransactionRunner.create(JdbcDatabase.builder(faulty).build());
    faulty.failing("getConnection", new java.sql.SQLTransientConnectionException("pool is empty"));
    assertThatThrownBy(() -> runner.run(tx -> null))
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.TRANSIENT))
        .hasMessage("COMMS-JDBC-001: begin: database not reachable");
  }

  @Test
  void joinsACallersTransactionWithoutEndingIt() throws SQLException {
    try (Connection connection = dataSource().getConnection()) {
      assertThatIllegalStateException()
          .isThrownBy(() -> JdbcTransactions.join(connection, database))
          .withMessageStartingWith("COMMS-JDBC-006: autoCommit: true (expected: false");
      connection.setAutoCommit(false);
      TransactionContext tx = JdbcTransactions.join(connection, database);
      insert(tx, 1);
      assertThat(tx.unwrap(Connection.class)).isSameAs(connection);
      assertThat(tx.database()).isEqualTo(database.id());
      assertThat(tx.afterCommit(() -> {}))
          .as("the library does not observe the caller's commit")
          .isFalse();
      connection.rollback();
      assertThat(connection.isClosed()).isFalse();
      connection.setAutoCommit(true);
    }
    assertThat(rows()).isZero();
  }

  private int rows() {
    return TestDatabases.number(dataSource(), "SELECT count(*) FROM work");
  }

  private static void insert(TransactionContext tx, int id) throws SQLException {
    try (Statement statement = tx.unwrap(Connection.class).createStatement()) {
      statement.executeUpdate("INSERT INTO work VALUES (" + id + ")");
    }
  }
}
