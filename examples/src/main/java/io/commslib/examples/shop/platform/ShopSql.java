package io.commslib.examples.shop.platform;

import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.Optional;

/**
 * JDBC helpers for the services' own tables; {@code @name} in a statement stands for a table of the
 * schema.
 */
public final class ShopSql {

  private final JdbcDatabase database;

  public ShopSql(JdbcDatabase database) {
    this.database = database;
  }

  /** Creates missing tables; statements are separated by semicolons. */
  public void create(String statements) {
    JdbcTransactionRunner.create(database)
        .run(
            tx -> {
              for (String statement : statements.split(";")) {
                if (!statement.isBlank()) {
                  update(tx, statement);
                }
              }
              return null;
            });
  }

  public int update(TransactionContext tx, String sql, Object... parameters) {
    try (PreparedStatement statement = prepare(tx, sql, parameters)) {
      return statement.executeUpdate();
    } catch (SQLException e) {
      throw SqlErrors.translate("shop", e);
    }
  }

  /** Inserts a row unless its key exists; returns whether it was inserted. */
  public boolean insertNew(TransactionContext tx, String sql, Object... parameters) {
    try (PreparedStatement statement =
        prepare(tx, sql + database.dialect().onConflictDoNothing(), parameters)) {
      return statement.executeUpdate() == 1;
    } catch (SQLException e) {
      if (SqlErrors.isDuplicateKey(e)) {
        return false;
      }
      throw SqlErrors.translate("shop", e);
    }
  }

  /** Reads a row. */
  public interface RowReader<T> {
    T read(ResultSet row) throws SQLException;
  }

  public Optional<Long> number(TransactionContext tx, String sql, Object... parameters) {
    return find(tx, row -> row.getLong(1), sql, parameters);
  }

  /** Reads the first row that a query finds. */
  public <T> Optional<T> find(
      TransactionContext tx, RowReader<T> reader, String sql, Object... parameters) {
    try (PreparedStatement statement = prepare(tx, sql, parameters);
        ResultSet row = statement.executeQuery()) {
      return row.next() ? Optional.of(reader.read(row)) : Optional.empty();
    } catch (SQLException e) {
      throw SqlErrors.translate("shop", e);
    }
  }

  /** Reads all rows that a query finds. */
  public void each(TransactionContext tx, RowReader<?> reader, String sql, Object... parameters) {
    try (PreparedStatement statement = prepare(tx, sql, parameters);
        ResultSet row = statement.executeQuery()) {
      while (row.next()) {
        reader.read(row);
      }
    } catch (SQLException e) {
      throw SqlErrors.translate("shop", e);
    }
  }

  /** Prepares a statement whose parameters are set by the caller, for batches. */
  public PreparedStatement batch(TransactionContext tx, String sql) throws SQLException {
    return tx.unwrap(Connection.class).prepareStatement(named(sql));
  }

  private PreparedStatement prepare(TransactionContext tx, String sql, Object... parameters)
      throws SQLException {
    PreparedStatement statement = batch(tx, sql);
    for (int i = 0; i < parameters.length; i++) {
      statement.setObject(i + 1, parameters[i]);
    }
    return statement;
  }

  private String named(String sql) {
    StringBuilder text = new StringBuilder();
    int from = 0;
    for (int at = sql.indexOf('@'); at >= 0; at = sql.indexOf('@', from)) {
      int end = at + 1;
      while (end < sql.length()
          && (Character.isLetter(sql.charAt(end)) || sql.charAt(end) == '_')) {
        end++;
      }
      text.append(sql, from, at).append(database.table(sql.substring(at + 1, end)));
      from = end;
    }
    return text.append(sql.substring(from)).toString();
  }
}
