package io.commslib.jdbc;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Contract of the conditions, as a real server and its driver report them. */
abstract class SqlConditionContract {

  private HikariDataSource pool;

  /** Returns a pool of connections that may create tables and users. */
  abstract HikariDataSource open();

  /** Returns statements, one of which the server ends because it runs too long. */
  abstract String[] slow();

  /** Returns the statement that limits the wait for a lock in a session. */
  abstract String impatience();

  /** Creates the user {@code stranger} with the password {@code Secret1}, without privileges. */
  abstract String[] createStranger();

  /** Ends the session of a connection from outside. */
  abstract void kill(Connection victim, DataSourceStatement admin) throws SQLException;

  /** Runs one statement on a connection of its own. */
  @FunctionalInterface
  interface DataSourceStatement {
    void execute(String sql);
  }

  @BeforeEach
  void createTable() {
    pool = open();
    TestDatabases.execute(
        pool,
        "DROP TABLE IF EXISTS conditions",
        "CREATE TABLE conditions (id int PRIMARY KEY, text varchar(5))",
        "INSERT INTO conditions VALUES (1, 'one'), (2, 'two')");
  }

  @AfterEach
  void close() {
    pool.close();
  }

  @Test
  void aMissingTableIsASetupFailure() {
    assertCondition(failure("SELECT * FROM not_there"), SqlCondition.SETUP);
  }

  @Test
  void aDuplicateKeyIsRefused() {
    assertCondition(failure("INSERT INTO conditions VALUES (1, 'x')"), SqlCondition.REFUSED);
  }

  @Test
  void aValueTooLongIsRefused() {
    assertCondition(failure("INSERT INTO conditions VALUES (3, 'too long')"), SqlCondition.REFUSED);
  }

  @Test
  void aStatementTimeoutIsNotARefusal() {
    assertCondition(failure(slow()), SqlCondition.UNAVAILABLE);
  }

  @Test
  void aMissingPrivilegeAndAWrongPasswordAreSetupFailures() throws SQLException {
    TestDatabases.execute(pool, createStranger());
    try (Connection stranger = connect("stranger", "Secret1");
        Statement statement = stranger.createStatement()) {
      SQLException failure = thrownBy(() -> statement.execute(forbidden()));
      assertCondition(failure, SqlCondition.SETUP);
    }
    SQLException wrong = thrownBy(() -> connect(wrongUser(), "Secret2").close());
    assertThat(SqlErrors.translateConnect("begin", wrong).code())
        .isEqualTo(SqlCondition.SETUP.code());
  }

  /** Returns a statement that the stranger may not run. */
  String forbidden() {
    return "DELETE FROM conditions";
  }

  /** Returns a user who may not log in with the password {@code Secret2}. */
  String wrongUser() {
    return "stranger";
  }

  private Connection connect(String user, String password) throws SQLException {
    // On H2 only an administrator may send the setting.
    String url = pool.getJdbcUrl().replace(";WRITE_DELAY=0", "");
    return DriverManager.getConnection(url, user, password);
  }

  @Test
  void aLockTimeoutAndADeadlockAreContention() throws Exception {
    try (Connection first = begin();
        Connection second = begin();
        Statement ones = first.createStatement();
        Statement twos = second.createStatement()) {
      ones.execute("UPDATE conditions SET text = 'a' WHERE id = 1");
      twos.execute(impatience());
      assertCondition(
          thrownBy(() -> twos.execute("UPDATE conditions SET text = 'b' WHERE id = 1")),
          SqlCondition.CONTENTION);
      second.rollback();
    }
    try (Connection first = begin();
        Connection second = begin();
        Statement ones = first.createStatement();
        Statement twos = second.createStatement()) {
      ones.execute("UPDATE conditions SET text = 'a' WHERE id = 1");
      twos.execute("UPDATE conditions SET text = 'b' WHERE id = 2");
      CountDownLatch begun = new CountDownLatch(1);
      CompletableFuture<SQLException> other =
          CompletableFuture.supplyAsync(
              () -> {
                begun.countDown();
                return failureOrNull(
                    () -> ones.execute("UPDATE conditions SET text = 'a' WHERE id = 2"), first);
              },
              body -> new Thread(body).start());
      begun.await();
      SQLException mine =
          failureOrNull(
              () -> twos.execute("UPDATE conditions SET text = 'b' WHERE id = 1"), second);
      SQLException loser = mine == null ? other.join() : mine;
      other.join();
      assertCondition(loser, SqlCondition.CONTENTION);
    }
  }

  private Connection begin() throws SQLException {
    Connection connection = pool.getConnection();
    connection.setAutoCommit(false);
    return connection;
  }

  /** The loser rolls back, so that the other transaction can continue. */
  private static SQLException failureOrNull(SqlStep step, Connection connection) {
    try {
      step.run();
      return null;
    } catch (SQLException e) {
      try {
        connection.rollback();
      } catch (SQLException broken) {
        e.addSuppressed(broken);
      }
      return e;
    }
  }

  @Test
  void aKilledSessionIsALostConnection() throws SQLException {
    Connection victim =
        DriverManager.getConnection(pool.getJdbcUrl(), pool.getUsername(), pool.getPassword());
    kill(victim, sql -> TestDatabases.execute(pool, sql));
    assertCondition(
        thrownBy(
            () -> {
              try (Statement statement = victim.createStatement()) {
                statement.execute("UPDATE conditions SET text = 'x'");
              }
            }),
        SqlCondition.LOST);
  }

  @Test
  void anExhaustedPoolIsNamed() throws SQLException {
    try (HikariDataSource small =
            TestDatabases.pool(
                pool.getJdbcUrl(),
                pool.getUsername(),
                pool.getPassword(),
                config -> {
                  config.setMaximumPoolSize(1);
                  config.setConnectionTimeout(250);
                });
        Connection only = small.getConnection()) {
      assertThat(only.isClosed()).isFalse();
      assertThat(SqlErrors.translateConnect("begin", thrownBy(() -> small.getConnection().close())))
          .hasMessageStartingWith("COMMS-JDBC-015: begin: pool exhausted");
    }
  }

  private SQLException failure(String... statements) {
    return thrownBy(
        () -> {
          try (Connection connection = pool.getConnection();
              Statement statement = connection.createStatement()) {
            for (String sql : statements) {
              statement.execute(sql);
            }
          }
        });
  }

  /** A step that may fail. */
  @FunctionalInterface
  interface SqlStep {
    void run() throws SQLException;
  }

  private static SQLException thrownBy(SqlStep step) {
    try {
      step.run();
    } catch (SQLException e) {
      return e;
    }
    throw new AssertionError("no failure");
  }

  private static void assertCondition(SQLException failure, SqlCondition expected) {
    StoreException translated = SqlErrors.translate("test", failure);
    assertThat(SqlCondition.of(failure)).as(translated.getMessage()).isEqualTo(expected);
    assertThat(translated.kind() == FailureKind.PERMANENT)
        .isEqualTo(expected == SqlCondition.REFUSED);
  }
}
