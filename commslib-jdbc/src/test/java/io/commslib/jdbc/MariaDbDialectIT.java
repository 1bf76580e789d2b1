package io.commslib.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.testkit.servers.MariaDbServer;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class MariaDbDialectIT {

  private static HikariDataSource pool(String parameters) {
    MariaDbServer server = MariaDbServer.shared();
    return TestDatabases.pool(server.jdbcUrl() + parameters, server.user(), server.password());
  }

  @Test
  void knowsTheServerByName() {
    try (HikariDataSource pool = pool("")) {
      JdbcDatabase database = JdbcDatabase.builder(pool).schema("orders").build();
      assertThat(database.dialect()).isEqualTo(SqlDialect.MARIADB);
      assertThat(database.table("inbox")).isEqualTo("`orders`.`inbox`");
    }
  }

  @Test
  void refusesAServerThatTruncatesLongValues() {
    try (HikariDataSource pool = pool("&sessionVariables=sql_mode='ANSI_QUOTES'")) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> JdbcDatabase.builder(pool).build())
          .withMessage(
              "sql_mode: ANSI_QUOTES (expected: with STRICT_TRANS_TABLES, otherwise long values"
                  + " are truncated)");
    }
  }

  @Test
  void refusesAServerWhoseTimeoutsRollBackTheTransaction() {
    try (MariaDbServer server = MariaDbServer.start(Map.of("innodb-rollback-on-timeout", "ON"));
        HikariDataSource pool =
            TestDatabases.pool(server.jdbcUrl(), server.user(), server.password())) {
      assertThatIllegalArgumentException()
          .isThrownBy(() -> JdbcDatabase.builder(pool).build())
          .withMessageStartingWith("innodb_rollback_on_timeout: 1 (expected: 0, ");
    }
  }

  @Test
  void aQueryTimeoutIsNotALostConnection() {
    try (HikariDataSource pool = pool("")) {
      JdbcTransactionRunner transactions =
          JdbcTransactionRunner.create(JdbcDatabase.builder(pool).build());
      assertThatThrownBy(
              () ->
                  transactions.run(
                      tx -> {
                        try (Statement slow = tx.unwrap(Connection.class).createStatement()) {
                          slow.setQueryTimeout(1);
                          return slow.executeQuery("SELECT SLEEP(20) FROM seq_1_to_2").next();
                        }
                      }))
          .isInstanceOfSatisfying(
              SQLException.class, e -> assertThat(SqlErrors.isConnectionLost(e)).isFalse());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"-11:00", "+00:00", "+13:00"})
  void writesAndReadsInstantsWhateverTheSessionsTimeZone(String zone) throws SQLException {
    SqlDialect dialect = SqlDialect.MARIADB;
    Instant instant = Instant.parse("2026-03-29T01:30:00.123456Z");
    try (HikariDataSource pool = pool("&sessionVariables=time_zone='" + zone + "'");
        Connection connection = pool.getConnection();
        PreparedStatement select =
            connection.prepareStatement(
                "SELECT CAST(? AS datetime(6)), "
                    + dialect.now()
                    + ", "
                    + dialect.nowPlusMillis()
                    + ", NULL")) {
      dialect.setInstant(select, 1, instant);
      select.setLong(2, -1_500);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        assertThat(dialect.instant(row, 1)).isEqualTo(instant);
        assertThat(Duration.between(dialect.instant(row, 2), Instant.now()))
            .isBetween(Duration.ofMinutes(-1), Duration.ofMinutes(1));
        assertThat(Duration.between(dialect.instant(row, 3), dialect.instant(row, 2)))
            .isEqualTo(Duration.ofMillis(1_500));
        assertThat(dialect.instant(row, 4)).isNull();
      }
    }
  }

  @Test
  void limitsTheWaitOfOneStatementOnly() throws SQLException {
    try (HikariDataSource pool = pool("");
        Connection connection = pool.getConnection();
        PreparedStatement bounded =
            connection.prepareStatement(
                SqlDialect.MARIADB.waitingAtMost(Duration.ofMillis(1_001))
                    + "SELECT @@innodb_lock_wait_timeout");
        PreparedStatement next = connection.prepareStatement("SELECT @@innodb_lock_wait_timeout")) {
      assertThat(number(bounded)).isEqualTo(2);
      assertThat(number(next)).isGreaterThan(2);
    }
  }

  private static int number(PreparedStatement select) throws SQLException {
    try (ResultSet row = select.executeQuery()) {
      row.next();
      return row.getInt(1);
    }
  }
}
