package io.commslib.jdbc;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.spi.Checks;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The numbered schema scripts of one module and the check that a database has them all. Versions
 * are kept in the table {@code commslib_schema}. Applying them twice, also by several processes at
 * once, is safe: one works, the others wait and find nothing left to do. Immutable.
 *
 * @since 0.1
 */
public final class SchemaScripts {

  private static final Pattern MODULE = Pattern.compile("[a-z0-9-]{1,64}");

  private final String module;
  private final int latest;
  private final Class<?> anchor;

  private SchemaScripts(String module, int latest, Class<?> anchor) {
    this.module = module;
    this.latest = latest;
    this.anchor = anchor;
  }

  /**
   * Describes a module's scripts: resources {@code <dialect>-<version>.sql} in the package folder
   * {@code schema} beside a class; statements end with a semicolon at the end of a line, {@code
   * ${schema}} stands for the quoted schema and a dot, {@code ${text}} for a table's character set.
   *
   * @param module name kept in the version table
   * @param latest number of the newest script, 1 or more
   * @param anchor class beside which the resources lie
   * @return the scripts
   */
  public static SchemaScripts of(String module, int latest, Class<?> anchor) {
    Checks.matches("module", module, MODULE, "1..64 of a-z 0-9 -");
    return new SchemaScripts(module, Checks.inRange("latest", latest, 1, 10_000), anchor);
  }

  /**
   * Brings a database to the newest version: creates the schema, the version table and whatever
   * scripts are missing. Blocks, also while another process does the same; takes two connections on
   * H2. Other tools may run the same scripts instead; {@link #print} gives their text.
   *
   * @param database which one
   * @throws StoreException if the database refuses, or is newer than this module
   */
  public void apply(JdbcDatabase database) {
    try (Connection connection = database.dataSource().getConnection()) {
      boolean autoCommit = connection.getAutoCommit();
      connection.setAutoCommit(false);
      try (SchemaLock lock = SchemaLock.take(database, connection)) {
        apply(database, connection);
        connection.commit();
      } catch (SQLException | RuntimeException e) {
        connection.rollback();
        throw e;
      }
      connection.setAutoCommit(autoCommit);
    } catch (SQLException e) {
      throw SqlErrors.translate("schema of " + module, e);
    }
  }

  private void apply(JdbcDatabase database, Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      for (String sql : ground(database)) {
        statement.execute(sql);
      }
      int present = version(connection, database);
      refuseNewer(present, database);
      for (int version = present + 1; version <= latest; version++) {
        for (String sql : statements(database, version)) {
          statement.execute(sql);
        }
        record(connection, database, version);
      }
    }
  }

  /**
   * Checks that a database has exactly the newest version. Engines call it at start. Blocks.
   *
   * @param database which one
   * @throws StoreException {@code COMMS-JDBC-010} if it is missing, {@code COMMS-JDBC-011} if it is
   *     older, {@code COMMS-JDBC-012} if it is newer, each with what to do; {@code TRANSIENT} if it
   *     can't be reached; {@code PERMANENT} if the user may not read the table of versions
   */
  public void check(JdbcDatabase database) {
    int present;
    try (Connection connection = database.dataSource().getConnection()) {
      present = version(connection, database);
    } catch (SQLException e) {
      if (!SqlErrors.isUnknownTable(e)) {
        throw SqlErrors.translate("schema of " + module, e);
      }
      present = 0;
    }
    refuseNewer(present, database);
    if (present < latest) {
      String found = present == 0 ? "missing" : "version " + present;
      throw new StoreException(
          present == 0 ? "COMMS-JDBC-010" : "COMMS-JDBC-011",
          FailureKind.PERMANENT,
          "schema of "
              + module
              + " in "
              + database.id()
              + ": "
              + found
              + " (expected: version "
              + latest
              + "; run SchemaScripts.apply, or the scripts it prints)",
          null);
    }
  }

  /**
   * Returns the SQL that brings an empty schema to the newest version, for tools that apply it
   * themselves: what {@link #apply} would do, with the entries that {@link #check} looks for.
   *
   * @param database its dialect and schema name are used
   * @return one text, statements end with a semicolon at the end of a line
   */
  public String print(JdbcDatabase database) {
    StringBuilder text = new StringBuilder();
    ground(database).forEach(sql -> text.append(sql).append(";\n"));
    for (int version = 1; version <= latest; version++) {
      statements(database, version).forEach(sql -> text.append(sql).append(";\n"));
      text.append("INSERT INTO ")
          .append(database.table("commslib_schema"))
          .append(" (module, version, applied_at) VALUES ('")
          .append(module)
          .append("', ")
          .append(version)
          .append(", ")
          .append(database.dialect().now())
          .append(");\n");
    }
    return text.toString();
  }

  /** What must be there before the first script: the schema and the table of versions. */
  private static List<String> ground(JdbcDatabase database) {
    List<String> statements = new ArrayList<>();
    if (database.quotedSchema() != null) {
      statements.add("CREATE SCHEMA IF NOT EXISTS " + database.quotedSchema());
    }
    statements.add(
        "CREATE TABLE IF NOT EXISTS "
            + database.table("commslib_schema")
            + " (module varchar(64) NOT NULL, version int NOT NULL,"
            + " applied_at "
            + database.dialect().instantType()
            + " NOT NULL, PRIMARY KEY (module, version))");
    return statements;
  }

  private void refuseNewer(int present, JdbcDatabase database) {
    if (present > latest) {
      throw new StoreException(
          "COMMS-JDBC-012",
          FailureKind.PERMANENT,
          "schema of "
              + module
              + " in "
              + database.id()
              + ": version "
              + present
              + " (expected: version "
              + latest
              + "; use a newer commslib-"
              + module
              + ")",
          null);
    }
  }

  private int version(Connection connection, JdbcDatabase database) throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement(
            "SELECT max(version) FROM "
                + database.table("commslib_schema")
                + " WHERE module = ?")) {
      select.setString(1, module);
      try (ResultSet row = select.executeQuery()) {
        return row.next() ? row.getInt(1) : 0;
      }
    }
  }

  private void record(Connection connection, JdbcDatabase database, int version)
      throws SQLException {
    try (PreparedStatement insert =
        connection.prepareStatement(
            "INSERT INTO "
                + database.table("commslib_schema")
                + " (module, version, applied_at) VALUES (?, ?, "
                + database.dialect().now()
                + ")")) {
      insert.setString(1, module);
      insert.setInt(2, version);
      insert.executeUpdate();
    }
  }

  private List<String> statements(JdbcDatabase database, int version) {
    String name = "schema/" + database.dialect().resourceName() + "-" + version + ".sql";
    List<String> statements = new ArrayList<>();
    String script =
        read(name)
            .replace("${schema}", database.qualifier())
            .replace("${text}", database.dialect().textOptions());
    for (String sql : script.split(";\\s*\n")) {
      if (!sql.isBlank()) {
        statements.add(sql.strip());
      }
    }
    return statements;
  }

  private String read(String name) {
    try (InputStream resource = anchor.getResourceAsStream(name)) {
      if (resource == null) {
        throw new IllegalStateException(
            "schema script: " + name + " (expected: beside " + anchor.getName() + ")");
      }
      return new String(resource.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
