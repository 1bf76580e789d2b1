package io.commslib.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.WrongSessionException;
import io.commslib.core.tx.TransactionContext;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.postgresql.PGConnection;

/** What a pooler that shares sessions causes, without a pooler. */
class PostgresWrongSessionIT {

  private static final String MISSING = "EXECUTE no_such_statement";
  private static final String AGAIN = "PREPARE s AS SELECT 1; PREPARE s AS SELECT 1";
  private static final String DUPLICATE =
      "INSERT INTO wrong VALUES (1); INSERT INTO wrong VALUES (1)";

  private final HikariDataSource pool = TestDatabases.postgres();
  private final JdbcDatabase database = JdbcDatabase.builder(pool).build();
  private final JdbcTransactionRunner transactions = JdbcTransactionRunner.create(database);

  /** Work of a handler. */
  private interface Work {
    void run(TransactionContext tx) throws Exception;
  }

  @BeforeEach
  void freshTable() {
    TestDatabases.execute(
        pool, "DROP TABLE IF EXISTS wrong", "CREATE TABLE wrong (id int PRIMARY KEY)");
  }

  @AfterEach
  void close() {
    pool.close();
  }

  private static void execute(TransactionContext tx, String sql) throws SQLException {
    try (Statement statement = tx.unwrap(Connection.class).createStatement()) {
      statement.execute(sql);
    }
  }

  private static SQLException swallowed(TransactionContext tx, String sql) {
    Throwable failure = catchThrowable(() -> execute(tx, sql));
    assertThat(failure).isInstanceOf(SQLException.class);
    return (SQLException) failure;
  }

  private Throwable failureOf(Work work) {
    Throwable failure =
        catchThrowable(
            () ->
                transactions.<Void, Exception>run(
                    tx -> {
                      work.run(tx);
                      return null;
                    }));
    assertThat(TestDatabases.number(pool, "SELECT count(*) FROM wrong")).isZero();
    return failure;
  }

  private static void assertWrongSession(Throwable failure) {
    assertThat(failure)
        .isInstanceOf(WrongSessionException.class)
        .hasMessageStartingWith("COMMS-JDBC-018: ")
        .hasMessageContaining("prepareThreshold=0");
  }

  @Test
  void theStatementOfAHandlerShowsAWrongSessionToo() {
    for (String sql : new String[] {MISSING, AGAIN}) {
      assertWrongSession(failureOf(tx -> execute(tx, sql)));
      assertWrongSession(
          failureOf(
              tx -> {
                throw new IllegalStateException("of a layer", swallowed(tx, sql));
              }));
    }
  }

  @Test
  void aSwallowedOneIsNotCommitted() {
    assertWrongSession(failureOf(tx -> swallowed(tx, MISSING)));
  }

  @Test
  void aRefusedStatementIsClassifiedByTheFirstFailureOfItsTransaction() {
    assertWrongSession(
        failureOf(
            tx -> {
              swallowed(tx, MISSING);
              execute(tx, "SELECT 1");
            }));
    assertWrongSession(
        failureOf(
            tx -> {
              swallowed(tx, MISSING);
              throw SqlErrors.translate("a store", swallowed(tx, "SELECT 1"));
            }));
    StoreException reported =
        new StoreException("COMMS-TEST-001", FailureKind.TRANSIENT, "a store", null);
    assertThat(
            failureOf(
                tx -> {
                  swallowed(tx, DUPLICATE);
                  tx.fail(reported);
                  execute(tx, "SELECT 1");
                }))
        .as("what a store has reported before")
        .isSameAs(reported);
  }

  /** Otherwise a handler that swallows an {@code SQLException} would be repeated indefinitely. */
  @Test
  void aRefusedStatementAfterAnotherFailureIsAFailedAttempt() {
    for (String sql : new String[] {DUPLICATE, "SELECT 1 FROM no_such_table"}) {
      assertThat(
              failureOf(
                  tx -> {
                    swallowed(tx, sql);
                    execute(tx, "SELECT 1");
                  }))
          .isInstanceOfSatisfying(
              SQLException.class, e -> assertThat(e.getSQLState()).isEqualTo("25P02"));
      assertThat(
              failureOf(
                  tx -> {
                    swallowed(tx, sql);
                    throw SqlErrors.translate("a store", swallowed(tx, "SELECT 1"));
                  }))
          .isInstanceOfSatisfying(
              StoreException.class,
              e -> {
                assertThat(e.code()).isEqualTo("COMMS-JDBC-016");
                assertThat(e.kind()).isEqualTo(FailureKind.CONTENTION);
              });
    }
  }

  /** As if the session had another statement under the name of COMMIT. */
  @Test
  void aCommitAfterWhichTheTransactionIsStillOpenIsNotReportedAsDone() {
    FaultyDataSource deaf =
        new FaultyDataSource(pool) {
          @Override
          public Connection getConnection() throws SQLException {
            return withoutCommit(super.getConnection());
          }
        };
    JdbcDatabase behind = JdbcDatabase.builder(deaf).build();
    Throwable failure =
        catchThrowable(
            () ->
                JdbcTransactionRunner.create(behind)
                    .<Void, SQLException>run(
                        tx -> {
                          execute(tx, "INSERT INTO wrong VALUES (1)");
                          return null;
                        }));
    assertWrongSession(failure);
    assertThat(deaf.calls).contains("abort").doesNotContain("rollback");
    assertThat(TestDatabases.number(pool, "SELECT count(*) FROM wrong")).isZero();
  }

  private static Connection withoutCommit(Connection connection) {
    return (Connection)
        Proxy.newProxyInstance(
            Connection.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (self, method, arguments) -> {
              try {
                return method.getName().equals("commit")
                    ? null
                    : method.invoke(connection, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  @Test
  void afterTheFirstOneTheDriverGivesNoMoreNames() throws SQLException {
    try (HikariDataSource one =
        TestDatabases.pool(pool.getJdbcUrl(), pool.getUsername(), pool.getPassword(), 1, 5_000)) {
      JdbcDatabase behind = JdbcDatabase.builder(one).build();
      JdbcTransactionRunner runner = JdbcTransactionRunner.create(behind);
      assertThat(namesAfter(runner, "SELECT 1")).as("the driver's default").isPositive();
      SingleStatements singles = SingleStatements.on(behind);
      Throwable failure =
          catchThrowable(
              () ->
                  singles.run(
                      "test",
                      connection -> {
                        try (Statement statement = connection.createStatement()) {
                          return statement.execute(MISSING);
                        }
                      }));
      assertThat(failure).isInstanceOf(SQLException.class);
      int names = namesAfter(runner, "SELECT 2");
      assertThat(namesAfter(runner, "SELECT 3")).isEqualTo(names);
      try (Connection connection = one.getConnection()) {
        assertThat(threshold(connection)).as("of other users, as before").isPositive();
        // No name of before is used again.
        try (Statement statement = connection.createStatement()) {
          statement.execute("DEALLOCATE ALL");
        }
      }
      assertThat(namesAfter(runner, "SELECT 1")).isZero();
    }
  }

  /** The driver of this connection has seen no failure, so that it remembers its names. */
  @Test
  void afterAFailureOfAnotherConnectionNoNameOfBeforeIsUsedAgain() throws SQLException {
    try (HikariDataSource one =
        TestDatabases.pool(pool.getJdbcUrl(), pool.getUsername(), pool.getPassword(), 1, 5_000)) {
      JdbcDatabase behind = JdbcDatabase.builder(one).build();
      JdbcTransactionRunner runner = JdbcTransactionRunner.create(behind);
      assertThat(namesAfter(runner, "SELECT 1")).isPositive();
      behind.sharedSessions().note(SqlErrors.notCommitted());
      // Inside of a block, since the driver forgets its names if it sees the command.
      TestDatabases.execute(one, "DO $$ BEGIN EXECUTE 'DEALLOCATE ALL'; END $$");
      assertThat(namesAfter(runner, "SELECT 1")).isZero();
    }
  }

  private static int threshold(Connection connection) throws SQLException {
    return connection.unwrap(PGConnection.class).getPrepareThreshold();
  }

  @Test
  void eachConnectionIsGivenBackWithTheDriversSettingOfBefore() throws Exception {
    try (HikariDataSource one =
        TestDatabases.pool(pool.getJdbcUrl(), pool.getUsername(), pool.getPassword(), 1, 5_000)) {
      JdbcDatabase behind = JdbcDatabase.builder(one).build();
      behind.sharedSessions().note(SqlErrors.notCommitted());
      for (int usual : new int[] {1, 5, -1, 0}) {
        set(one, usual);
        JdbcTransactionRunner.create(behind)
            .<Void, SQLException>run(tx -> assertNoNames(tx.unwrap(Connection.class)));
        assertThat(thresholdAfter(one)).isEqualTo(usual);
        SingleStatements.on(behind).run("test", PostgresWrongSessionIT::assertNoNames);
        assertThat(thresholdAfter(one)).isEqualTo(usual);
        try (SchemaConnection schema = SchemaConnection.of(behind)) {
          assertNoNames(schema.connection());
        }
        assertThat(thresholdAfter(one)).isEqualTo(usual);
        try (Connection connection = one.getConnection()) {
          connection.setAutoCommit(false);
          Runnable restore = JdbcTransactions.begun(connection, behind);
          assertNoNames(connection);
          connection.commit();
          restore.run();
        }
        assertThat(thresholdAfter(one)).isEqualTo(usual);
      }
    }
  }

  private static Void assertNoNames(Connection connection) throws SQLException {
    assertThat(threshold(connection)).isZero();
    return null;
  }

  private static void set(HikariDataSource one, int threshold) throws SQLException {
    try (Connection connection = one.getConnection()) {
      connection.unwrap(PGConnection.class).setPrepareThreshold(threshold);
    }
  }

  private static int thresholdAfter(HikariDataSource one) throws SQLException {
    try (Connection connection = one.getConnection()) {
      return threshold(connection);
    }
  }

  @Test
  void aTransactionInWhichAStatementHasRunKeepsItsWork() throws SQLException {
    database.sharedSessions().note(SqlErrors.notCommitted());
    try (Connection connection = pool.getConnection()) {
      connection.setAutoCommit(false);
      try (Statement statement = connection.createStatement()) {
        statement.execute("INSERT INTO wrong VALUES (1)");
      }
      JdbcTransactions.begun(connection, database).run();
      connection.commit();
    }
    assertThat(TestDatabases.number(pool, "SELECT count(*) FROM wrong")).isEqualTo(1);
  }

  /** The driver reports an open transaction each time, which may be another user's. */
  @Test
  void aCommitIsRefusedOnlyIfItIsKnownNotToHaveHappened() throws SQLException {
    assertThat(refusal(pool, "none")).isInstanceOf(WrongSessionException.class);
    assertThat(refusal(pool, "isClosed")).as("given back meanwhile").isNull();
    assertThat(refusal(pool, "isWrapperFor")).as("a wrapper that fails").isNull();
    assertThat(refusal(pool, "unwrap")).as("a wrapper that fails").isNull();
    try (HikariDataSource unnamed =
        TestDatabases.pool(
            pool.getJdbcUrl() + "?prepareThreshold=0",
            pool.getUsername(),
            pool.getPassword(),
            1,
            5_000)) {
      assertThat(refusal(unnamed, "none")).as("COMMIT has no name").isNull();
    }
  }

  private static Connection open(HikariDataSource pool) throws SQLException {
    Connection connection = pool.getConnection();
    connection.setAutoCommit(false);
    try (Statement statement = connection.createStatement()) {
      statement.execute("SELECT 1");
    }
    return connection;
  }

  private static Throwable refusal(HikariDataSource pool, String failing) throws SQLException {
    JdbcDatabase fresh = JdbcDatabase.builder(pool).build();
    Connection open = open(pool);
    Connection wrapped =
        (Connection)
            Proxy.newProxyInstance(
                Connection.class.getClassLoader(),
                new Class<?>[] {Connection.class},
                (self, method, arguments) -> {
                  if (method.getName().equals(failing)) {
                    if (failing.equals("isClosed")) {
                      return true;
                    }
                    throw new AssertionError("planted");
                  }
                  try {
                    return method.invoke(open, arguments);
                  } catch (InvocationTargetException e) {
                    throw e.getCause();
                  }
                });
    Throwable refusal = catchThrowable(() -> JdbcTransactions.refuseUncommitted(wrapped, fresh));
    if (refusal == null) {
      open.close();
    }
    return refusal;
  }

  /** Runs a statement often, and returns the number of the session's prepared statements. */
  private static int namesAfter(JdbcTransactionRunner runner, String sql) throws SQLException {
    for (int i = 0; i < 10; i++) {
      runner.<Boolean, SQLException>run(
          tx -> {
            try (PreparedStatement statement = tx.unwrap(Connection.class).prepareStatement(sql)) {
              return statement.execute();
            }
          });
    }
    return runner.<Integer, SQLException>run(
        tx ->
            (int)
                PlainSql.number(
                    tx.unwrap(Connection.class), "SELECT count(*) FROM pg_prepared_statements"));
  }
}
