package io.commslib.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import java.nio.file.Path;
import java.sql.SQLException;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JdbcDatabaseTest {

  private final DataSource memory = h2("jdbc:h2:mem:");

  @ParameterizedTest
  @ValueSource(strings = {"", "1st", "a b", "a\"b", "a;b", "\u00e4", "a-b"})
  void refusesASchemaNameThatBreaksTheRule(String name) {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JdbcDatabase.builder(memory).schema(name))
        .withMessage("schema: '%s' (expected: [A-Za-z_][A-Za-z0-9_]{0,62})", name);
  }

  @Test
  void refusesASchemaNameOf64Characters() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JdbcDatabase.builder(memory).schema("a".repeat(64)));
  }

  @Test
  void quotesAndQualifiesTableNames() {
    assertThat(JdbcDatabase.builder(memory).schema("Orders").build().table("outbox_message"))
        .isEqualTo("\"Orders\".\"outbox_message\"");
    assertThat(JdbcDatabase.builder(memory).build().table("inbox")).isEqualTo("\"inbox\"");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JdbcDatabase.builder(memory).build().table("a\" --"));
  }

  @Test
  void isTheSameDatabaseForTheSameDataSourceOnly() {
    JdbcDatabase orders = JdbcDatabase.builder(memory).schema("orders").build();
    assertThat(JdbcDatabase.builder(memory).build().id()).isEqualTo(orders.id());
    assertThat(JdbcDatabase.builder(h2("jdbc:h2:mem:")).build().id()).isNotEqualTo(orders.id());
    assertThat(orders.dialect()).isEqualTo(SqlDialect.H2);
  }

  @Test
  void refusesAnUnsupportedDatabase() {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () -> JdbcDatabase.builder(new FaultyDataSource(memory).named("Oracle")).build())
        .withMessage(
            "COMMS-JDBC-007: database: Oracle (expected: H2, MariaDB, MySQL or PostgreSQL)");
  }

  @Test
  void refusesAnH2FileThatLosesCommitsWhenKilled(@TempDir Path folder) {
    String url = "jdbc:h2:file:" + folder.resolve("db");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JdbcDatabase.builder(h2(url)).build())
        .withMessage("WRITE_DELAY: 500 (expected: 0, as in jdbc:h2:file:...;WRITE_DELAY=0)");
    assertThat(JdbcDatabase.builder(h2(url + ";WRITE_DELAY=0")).build().dialect())
        .isEqualTo(SqlDialect.H2);
  }

  @Test
  void reportsAnUnreachableDatabaseAsTransient() {
    FaultyDataSource dead =
        new FaultyDataSource(memory).failing("getConnection", new SQLException("refused", "08001"));
    assertThatThrownBy(() -> JdbcDatabase.builder(dead).build())
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.TRANSIENT));
  }

  @Test
  void namesTheParameterThatIsNull() {
    assertThatThrownBy(() -> JdbcDatabase.builder(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("dataSource");
    assertThatThrownBy(() -> JdbcTransactionRunner.create(null))
        .isInstanceOf(NullPointerException.class)
        .hasMessage("database");
  }

  private static JdbcDataSource h2(String url) {
    JdbcDataSource source = new JdbcDataSource();
    source.setURL(url);
    source.setUser("sa");
    return source;
  }
}
