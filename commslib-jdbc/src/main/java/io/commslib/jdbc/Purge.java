package io.commslib.jdbc;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Deletes rows that are over, so many at a time and no others: what has changed since they were
 * chosen stays. For the stores of the library's modules. Immutable.
 */
public final class Purge {

  private final boolean byKey;
  private final int columns;
  private final String select;
  private final String delete;

  private Purge(boolean byKey, int columns, String select, String delete) {
    this.byKey = byKey;
    this.columns = columns;
    this.select = select;
    this.delete = delete;
  }

  /**
   * Describes a purge.
   *
   * @param database where the table lies
   * @param table its plain name
   * @param key the primary key's columns
   * @param condition which rows, without parameters
   * @param limit how many at a time
   * @return the purge
   */
  public static Purge of(
      JdbcDatabase database, String table, List<String> key, String condition, int limit) {
    String name = database.table(table);
    String columns = String.join(", ", key);
    String select =
        "SELECT " + columns + " FROM " + name + " WHERE " + condition + " LIMIT " + limit;
    boolean byKey = database.dialect().isMySql();
    // MySQL and MariaDB would wait for the unfinished insert of any row they pass on their way.
    String which =
        byKey
            ? key.stream().map(column -> column + " = ?").collect(Collectors.joining(" AND "))
            : "(" + columns + ") IN (" + select + ")";
    return new Purge(
        byKey, key.size(), select, "DELETE FROM " + name + " WHERE " + which + " AND " + condition);
  }

  /**
   * Deletes some rows. Blocks.
   *
   * @param connection in a transaction with isolation READ COMMITTED
   * @return how many; less than the limit if there are no more just now
   * @throws SQLException as the driver throws it
   */
  public int run(Connection connection) throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(delete)) {
      if (!byKey) {
        return statement.executeUpdate();
      }
      boolean any = false;
      try (Statement look = connection.createStatement();
          ResultSet row = look.executeQuery(select)) {
        while (row.next()) {
          for (int column = 1; column <= columns; column++) {
            statement.setObject(column, row.getObject(column));
          }
          statement.addBatch();
          any = true;
        }
      }
      // Drivers may know only that a statement did something.
      return any ? (int) Arrays.stream(statement.executeBatch()).filter(n -> n != 0).count() : 0;
    }
  }
}
