package io.commslib.jdbc;

import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Deletes outdated rows in batches. A row that no longer meets the condition when it is deleted
 * stays. For the stores of the library's modules. Immutable.
 */
public final class Purge {

  private final boolean byKey;
  private final int columns;
  private final SqlStatement select;
  private final SqlStatement delete;

  private Purge(boolean byKey, int columns, SqlStatement select, SqlStatement delete) {
    this.byKey = byKey;
    this.columns = columns;
    this.select = select;
    this.delete = delete;
  }

  /**
   * Describes a purge.
   *
   * @param database the database of the table
   * @param table its plain name
   * @param key the primary key's columns
   * @param condition SQL condition of the rows to delete, without parameters
   * @param limit the maximum number of rows of a batch
   * @return the purge
   */
  public static Purge of(
      JdbcDatabase database, String table, List<String> key, String condition, int limit) {
    String columns = String.join(", ", key);
    String select =
        "SELECT " + columns + " FROM @" + table + " WHERE " + condition + " LIMIT " + limit;
    boolean byKey = database.dialect().isMySql();
    // MySQL and MariaDB would wait for the unfinished insert of every row that they pass.
    String rows =
        byKey
            ? key.stream().map(column -> column + " = ?").collect(Collectors.joining(" AND "))
            : "(" + columns + ") IN (" + select + ")";
    return new Purge(
        byKey,
        key.size(),
        SqlStatement.of(database, select),
        SqlStatement.of(
            database, "DELETE FROM @" + table + " WHERE " + rows + " AND " + condition));
  }

  /**
   * Deletes one batch. Blocks.
   *
   * @param connection in a transaction with isolation READ COMMITTED
   * @return the number of deleted rows; less than the limit if no more rows meet the condition now
   * @throws SQLException as the driver throws it
   */
  public int run(Connection connection) throws SQLException {
    return byKey
        ? delete.batch(connection, select.list(connection, this::key))
        : delete.update(connection);
  }

  private @Nullable Object[] key(ResultSet row) throws SQLException {
    @Nullable Object[] key = new Object[columns];
    for (int column = 0; column < columns; column++) {
      key[column] = row.getObject(column + 1);
    }
    return key;
  }
}
