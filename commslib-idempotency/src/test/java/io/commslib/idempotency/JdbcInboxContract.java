package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.core.StoreException;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.JdbcTransactions;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Contract of inboxes in a database, beyond that of all inboxes; run on each database. */
public abstract class JdbcInboxContract extends InboxContract {

  private static final AtomicInteger SCHEMAS = new AtomicInteger();

  private HikariDataSource own;
  private HikariDataSource foreign;
  private JdbcDatabase database;
  private JdbcTransactionRunner transactions;

  /** Creates a contract. */
  protected JdbcInboxContract() {}

  /**
   * Opens a pool of connections to the database under test.
   *
   * @return new pool; the test closes it
   */
  protected abstract HikariDataSource newPool();

  @BeforeEach
  void freshSchema() {
    own = newPool();
    database = JdbcDatabase.builder(own).schema("inbox_" + SCHEMAS.incrementAndGet()).build();
    InboxSchema.scripts().apply(database);
    InboxSchema.scripts().check(database);
    transactions = JdbcTransactionRunner.create(database);
  }

  @AfterEach
  void closePool() {
    own.close();
    if (foreign != null) {
      foreign.close();
    }
  }

  @Override
  protected TransactionRunner transactions() {
    return transactions;
  }

  @Override
  protected TransactionRunner foreignTransactions() {
    foreign = newPool();
    return JdbcTransactionRunner.create(JdbcDatabase.builder(foreign).build());
  }

  @Override
  protected Inbox inbox(Duration lockTimeout) {
    return JdbcInbox.create(
        database,
        InboxConfig.builder().retention(RETENTION).lockTimeout(lockTimeout).purgeBatch(10).build());
  }

  @Override
  protected void age(Duration by) {
    String earlier =
        switch (database.dialect()) {
          case H2 -> "DATEADD(SECOND, -?, received_at)";
          case MARIADB, MYSQL -> "received_at - INTERVAL ? SECOND";
          case POSTGRESQL -> "received_at - (? * interval '1 second')";
        };
    try (Connection connection = own.getConnection();
        PreparedStatement update =
            connection.prepareStatement(
                "UPDATE " + database.table("inbox") + " SET received_at = " + earlier)) {
      update.setLong(1, by.toSeconds());
      update.executeUpdate();
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void takesPartInACallersOwnTransaction() throws SQLException {
    Inbox inbox = inbox(Duration.ofSeconds(5));
    try (Connection connection = own.getConnection()) {
      connection.setAutoCommit(false);
      assertThat(inbox.enter(JdbcTransactions.join(connection, database), "c", message("m1")))
          .isTrue();
      connection.rollback();
      assertThat(inbox.enter(JdbcTransactions.join(connection, database), "c", message("m1")))
          .isTrue();
      connection.commit();
    }
    assertThat(enter(inbox, "c", message("m1"))).isFalse();
  }

  @Test
  void leavesTheConnectionsLockTimeoutAsItWas() throws SQLException {
    String question =
        switch (database.dialect()) {
          case H2 -> "CALL LOCK_TIMEOUT()";
          case MARIADB, MYSQL -> "SELECT @@innodb_lock_wait_timeout";
          case POSTGRESQL -> "SHOW lock_timeout";
        };
    Inbox inbox = inbox(Duration.ofMillis(4_321));
    try (Connection connection = own.getConnection();
        Statement statement = connection.createStatement()) {
      connection.setAutoCommit(false);
      String before = ask(statement, question);
      inbox.enter(JdbcTransactions.join(connection, database), "c", message("m1"));
      inbox.enter(JdbcTransactions.join(connection, database), "c", message("m1"));
      connection.commit();
      assertThat(ask(statement, question)).isEqualTo(before).doesNotContain("4321");
      connection.commit();
    }
  }

  private static String ask(Statement statement, String question) throws SQLException {
    try (ResultSet row = statement.executeQuery(question)) {
      row.next();
      return row.getString(1);
    }
  }

  @Test
  void namesAMissingTable() {
    JdbcDatabase empty = JdbcDatabase.builder(own).schema("nothing_here").build();
    assertThatThrownBy(() -> InboxSchema.scripts().check(empty))
        .isInstanceOf(StoreException.class)
        .hasMessageStartingWith("COMMS-JDBC-010: schema of idempotency");
  }
}
