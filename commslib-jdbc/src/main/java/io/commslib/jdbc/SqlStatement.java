package io.commslib.jdbc;

import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * One SQL statement of a store: its text, with the names of its tables resolved once, and short
 * ways to run it. For the stores of the library's modules. Immutable, thread-safe; uses the
 * caller's connection and holds none.
 *
 * <p>The text is written as a text block. {@code @name} is replaced by the quoted, schema-qualified
 * name of that table, {@code {now}} by {@link SqlDialect#now()}; {@link #with} fills other places.
 * Line breaks and indentation become one space, so the text must have no {@code --} comments and no
 * literals that span lines.
 *
 * <p>Every call prepares the statement, binds the parameters in their order, runs it and closes it.
 * A parameter is a text, number, boolean, byte array, {@link Instant}, {@link Array} or null.
 * Blocks for as long as the database takes; failures are the driver's.
 */
public final class SqlStatement {

  private static final Pattern TABLE = Pattern.compile("(?<![@\\w])@([A-Za-z_]\\w*)");
  private static final Pattern LINE_BREAK = Pattern.compile("\\s*\\n\\s*");

  /**
   * Reads one row of a result.
   *
   * @param <T> type of what a row becomes
   */
  @FunctionalInterface
  public interface RowMapper<T> {

    /**
     * Reads the current row.
     *
     * @param row positioned on the row; must not be moved or closed
     * @return the row's value
     * @throws SQLException as the driver throws it
     */
    T map(ResultSet row) throws SQLException;
  }

  private final SqlDialect dialect;
  private final String text;

  private SqlStatement(SqlDialect dialect, String text) {
    this.dialect = dialect;
    this.text = text;
  }

  /**
   * Resolves the text of a statement.
   *
   * @param database whose table names and clock are filled in
   * @param template SQL with {@code @table} names
   * @return the statement
   * @throws IllegalArgumentException if a table's name breaks the rule for identifiers
   */
  public static SqlStatement of(JdbcDatabase database, String template) {
    return of(database.names(), template);
  }

  static SqlStatement of(SchemaNames names, String template) {
    String line = LINE_BREAK.matcher(template.strip()).replaceAll(" ");
    String text =
        TABLE
            .matcher(line)
            .replaceAll(match -> Matcher.quoteReplacement(names.table(match.group(1))));
    return new SqlStatement(names.dialect(), text.replace("{now}", names.dialect().now()));
  }

  /**
   * Fills a place of the text, as for an expression that differs between databases or a list whose
   * length is known late.
   *
   * @param place a name that is written in braces in the text
   * @param sql what replaces it, everywhere
   * @return the statement with the place filled
   */
  public SqlStatement with(String place, String sql) {
    return new SqlStatement(dialect, text.replace("{" + place + "}", sql));
  }

  /**
   * Returns the SQL as it is sent.
   *
   * @return one line
   */
  public String text() {
    return text;
  }

  /**
   * Runs a change.
   *
   * @param connection where it runs
   * @param parameters one for each {@code ?}
   * @return the number of rows that the driver counts as changed
   * @throws SQLException as the driver throws it
   */
  public int update(Connection connection, @Nullable Object... parameters) throws SQLException {
    try (PreparedStatement statement = prepare(connection, parameters)) {
      return statement.executeUpdate();
    }
  }

  /**
   * Runs a change once for each set of parameters, as one batch; does nothing if there is none.
   *
   * @param connection where it runs
   * @param rows the parameters of each run
   * @return the number of runs that changed something; drivers may know no more than that
   * @throws SQLException as the driver throws it
   */
  public int batch(Connection connection, List<@Nullable Object[]> rows) throws SQLException {
    if (rows.isEmpty()) {
      return 0;
    }
    try (PreparedStatement statement = connection.prepareStatement(text)) {
      for (@Nullable Object[] row : rows) {
        bind(statement, row);
        statement.addBatch();
      }
      int changed = 0;
      for (int count : statement.executeBatch()) {
        changed += count == 0 ? 0 : 1;
      }
      return changed;
    }
  }

  /**
   * Runs a query of which at most one row is wanted.
   *
   * @param <T> type of the result
   * @param connection where it runs
   * @param mapper reads the first row
   * @param parameters one for each {@code ?}
   * @return the first row; null if there is none
   * @throws SQLException as the driver throws it
   */
  public <T> @Nullable T one(
      Connection connection, RowMapper<T> mapper, @Nullable Object... parameters)
      throws SQLException {
    try (PreparedStatement statement = prepare(connection, parameters);
        ResultSet row = statement.executeQuery()) {
      return row.next() ? mapper.map(row) : null;
    }
  }

  /**
   * Runs a query.
   *
   * @param <T> type of a row
   * @param connection where it runs
   * @param mapper reads each row
   * @param parameters one for each {@code ?}
   * @return the rows in the database's order, a new list
   * @throws SQLException as the driver throws it
   */
  public <T> List<T> list(
      Connection connection, RowMapper<T> mapper, @Nullable Object... parameters)
      throws SQLException {
    try (PreparedStatement statement = prepare(connection, parameters);
        ResultSet row = statement.executeQuery()) {
      List<T> rows = new ArrayList<>();
      while (row.next()) {
        rows.add(mapper.map(row));
      }
      return rows;
    }
  }

  /**
   * Runs a query whose first column is a number.
   *
   * @param connection where it runs
   * @param parameters one for each {@code ?}
   * @return the number in the first row; 0 if it is null or there is no row
   * @throws SQLException as the driver throws it
   */
  public long number(Connection connection, @Nullable Object... parameters) throws SQLException {
    Long number = one(connection, row -> row.getLong(1), parameters);
    return number == null ? 0 : number;
  }

  private PreparedStatement prepare(Connection connection, @Nullable Object[] parameters)
      throws SQLException {
    PreparedStatement statement = connection.prepareStatement(text);
    try {
      bind(statement, parameters);
      return statement;
    } catch (Throwable e) {
      try (statement) {
        throw e;
      }
    }
  }

  private void bind(PreparedStatement statement, @Nullable Object[] parameters)
      throws SQLException {
    for (int i = 0; i < parameters.length; i++) {
      bind(statement, i + 1, parameters[i]);
    }
  }

  private void bind(PreparedStatement statement, int index, @Nullable Object parameter)
      throws SQLException {
    if (parameter instanceof String value) {
      statement.setString(index, value);
    } else if (parameter instanceof Long value) {
      statement.setLong(index, value);
    } else if (parameter instanceof Integer value) {
      statement.setInt(index, value);
    } else if (parameter instanceof Boolean value) {
      statement.setBoolean(index, value);
    } else if (parameter instanceof byte[] value) {
      statement.setBytes(index, value);
    } else if (parameter instanceof Instant value) {
      dialect.setInstant(statement, index, value);
    } else if (parameter instanceof Array value) {
      statement.setArray(index, value);
    } else {
      statement.setObject(index, parameter);
    }
  }

  @Override
  public String toString() {
    return text;
  }
}
