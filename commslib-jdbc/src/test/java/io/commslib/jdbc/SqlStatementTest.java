package io.commslib.jdbc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.sql.Connection;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import org.h2.jdbcx.JdbcDataSource;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SqlStatementTest {

  private static final Instant NOON = Instant.parse("2024-01-01T12:00:00Z");

  private final JdbcDataSource source = new JdbcDataSource();
  private Connection connection;
  private JdbcDatabase database;

  @BeforeEach
  void createTable() throws SQLException {
    source.setURL("jdbc:h2:mem:");
    connection = source.getConnection();
    database = JdbcDatabase.builder(source).build();
    statement(
            "CREATE TABLE @item (id BIGINT, name VARCHAR(9), ready BOOLEAN, body BINARY(2),"
                + " due TIMESTAMP WITH TIME ZONE)")
        .update(connection);
  }

  @AfterEach
  void close() throws SQLException {
    connection.close();
  }

  @Test
  void resolvesTableNamesInTheSchema() {
    JdbcDatabase orders = JdbcDatabase.builder(source).schema("orders").build();
    assertThat(SqlStatement.of(orders, "SELECT a FROM @outbox_message, @inbox").text())
        .isEqualTo("SELECT a FROM \"orders\".\"outbox_message\", \"orders\".\"inbox\"");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> SqlStatement.of(orders, "SELECT a FROM @" + "a".repeat(64)));
  }

  @Test
  void keepsTheServersOwnVariables() {
    assertThat(statement("SELECT @@sql_mode, a FROM @item").text())
        .isEqualTo("SELECT @@sql_mode, a FROM \"item\"");
  }

  @Test
  void writesATextBlockOnOneLine() {
    String text =
        statement(
                """
                SELECT a
                  FROM @item
                WHERE due < {now}{limit}
                """)
            .with("limit", " LIMIT 3")
            .text();
    assertThat(text).isEqualTo("SELECT a FROM \"item\" WHERE due < CURRENT_TIMESTAMP LIMIT 3");
  }

  @Test
  void bindsEachTypeOfParameter() throws SQLException {
    SqlStatement insert = statement("INSERT INTO @item VALUES (?, ?, ?, ?, ?)");
    assertThat(insert.update(connection, 7L, "seven", true, new byte[] {7, 7}, NOON)).isEqualTo(1);
    assertThat(insert.update(connection, 8, null, false, null, null)).isEqualTo(1);
    assertThat(
            statement("SELECT id FROM @item WHERE name = ? AND ready = ? AND body = ? AND due = ?")
                .number(connection, "seven", true, new byte[] {7, 7}, NOON))
        .isEqualTo(7);
    assertThat(statement("SELECT COUNT(*) FROM @item WHERE name IS NULL").number(connection))
        .isEqualTo(1);
  }

  @Test
  void readsOneRowOrNoneOrAll() throws SQLException {
    statement("INSERT INTO @item (id, name) VALUES (1, 'a'), (2, 'b')").update(connection);
    SqlStatement select = statement("SELECT name FROM @item WHERE id >= ? ORDER BY id");
    String second = select.one(connection, row -> row.getString(1), 2);
    String third = select.one(connection, row -> row.getString(1), 3);
    assertThat(second).isEqualTo("b");
    assertThat(third).isNull();
    assertThat(select.list(connection, row -> row.getString(1), 1)).containsExactly("a", "b");
    assertThat(statement("SELECT id FROM @item WHERE id = 3").number(connection)).isZero();
  }

  @Test
  void countsTheRunsOfABatchThatChangedSomething() throws SQLException {
    statement("INSERT INTO @item (id, name) VALUES (1, 'a'), (2, 'b')").update(connection);
    SqlStatement delete = statement("DELETE FROM @item WHERE id = ?");
    assertThat(
            delete.batch(
                connection, List.of(new Object[] {1L}, new Object[] {2L}, new Object[] {3L})))
        .isEqualTo(2);
    assertThat(delete.batch(connection, List.of())).isZero();
  }

  private SqlStatement statement(String template) {
    return SqlStatement.of(database, template);
  }
}
