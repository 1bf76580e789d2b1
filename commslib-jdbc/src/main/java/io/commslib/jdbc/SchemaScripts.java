package io.commslib.jdbc;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The numbered schema scripts of one module, and the check that a database has the tables which
 * this version of the module needs. The table {@code commslib_schema} records the scripts that have
 * run, and for each the oldest version of the module that works with the tables since then.
 *
 * <p>Run scripts before the processes that need them start. Processes of the previous version
 * continue, and may restart, if the newest script states that it is compatible with them.
 * Immutable, thread-safe.
 */
public final class SchemaScripts {

  private static final Pattern FOLDER = Pattern.compile("[a-z0-9-]+(/[a-z0-9-]+)*");
  private static final Pattern MODULE = Pattern.compile("[a-z0-9-]{1,64}");

  private static final String CREATE_VERSIONS =
      """
      CREATE TABLE IF NOT EXISTS @commslib_schema
        (module varchar(64) NOT NULL, version int NOT NULL,
        compatible_from int NOT NULL, applied_at {instant} NOT NULL,
        PRIMARY KEY (module, version))
      """;
  private static final String ADD_VERSION =
      """
      INSERT INTO @commslib_schema (module, version, compatible_from, applied_at)
      VALUES ('{module}', {version}, {compatibleFrom}, {now})
      """;
  private static final String NEWEST_VERSION =
      """
      SELECT version, compatible_from FROM @commslib_schema
      WHERE module = ? ORDER BY version DESC LIMIT 1
      """;

  private final String module;
  private final int latest;
  private final Class<?> anchor;
  private final String folder;

  private SchemaScripts(String module, int latest, Class<?> anchor, String folder) {
    this.module = module;
    this.latest = latest;
    this.anchor = anchor;
    this.folder = folder;
  }

  /**
   * Describes a module's scripts: resources {@code <dialect>-<version>.sql} in the package folder
   * {@code schema} beside a class. Statements end with a semicolon at the end of a line. {@code
   * ${schema}} is replaced by the quoted schema and a dot, {@code ${text}} by a table's character
   * set.
   *
   * <p>The first line of a script may be {@code -- compatible from: N}, the oldest version of the
   * module whose code works with the tables after the script, from 1 to the script's own version.
   * The default is the script's own version, so that older processes are refused.
   *
   * <p>Most databases commit each change of a table by itself. A script may therefore fail half-way
   * and is then run again from its first statement; each statement must allow that, for example by
   * {@code IF NOT EXISTS}.
   *
   * @param module name of the module in the version table
   * @param latest number of the newest script, 1 or more
   * @param anchor class whose package has the folder of the resources
   * @return the scripts
   */
  public static SchemaScripts of(String module, int latest, Class<?> anchor) {
    return of(module, latest, anchor, "schema");
  }

  /**
   * Describes the scripts of a module as {@link #of(String, int, Class)} does, in a folder of
   * another name.
   *
   * @param module name of the module in the version table
   * @param latest number of the newest script, 1 or more
   * @param anchor class whose package has the folder of the resources
   * @param folder the path from that package to the resources, for example {@code a/schema}
   * @return the scripts
   */
  public static SchemaScripts of(String module, int latest, Class<?> anchor, String folder) {
    Checks.matches("module", module, MODULE, "1..64 of a-z 0-9 -");
    Checks.matches("folder", folder, FOLDER, "names of a-z 0-9 -, separated by /");
    Objects.requireNonNull(anchor, "anchor");
    return new SchemaScripts(module, Checks.inRange("latest", latest, 1, 10_000), anchor, folder);
  }

  /**
   * Returns the path from the package of the class that owns the scripts to their resources.
   *
   * @return folder names, separated by slashes
   */
  public String folder() {
    return folder;
  }

  /** {@return the name of the module in the version table} */
  public String module() {
    return module;
  }

  /**
   * Returns the number of the newest script, which is the version that this module's code needs.
   *
   * @return the version, 1 or more
   */
  public int latest() {
    return latest;
  }

  /**
   * Updates a database to the newest version: creates the schema and the version table and runs the
   * missing scripts. Does nothing if all scripts have run, or if the tables are newer and
   * compatible with this version. Another tool may run the same scripts instead; {@link
   * #print(JdbcDatabase, int, int)} returns their text.
   *
   * <p>Blocks. Several processes may call it at the same time: one runs the scripts, the others
   * wait and then do nothing. Writers and readers may use the tables meanwhile: a change waits half
   * a second for a table that a transaction uses (a second on MySQL and MariaDB), then lets the
   * others pass and retries, for about 50 seconds. An interrupt ends the wait between two attempts.
   *
   * <p>On PostgreSQL all changes commit together. Elsewhere a failure may leave a script half done;
   * the next call runs it again. The connection (two on H2) is always returned unchanged.
   *
   * @param database the database to update
   * @throws StoreException {@code COMMS-JDBC-012} if the tables are newer and not compatible;
   *     {@code COMMS-JDBC-013}, of kind {@code CONTENTION}, if a table stayed in use or another
   *     process has been changing tables for a minute; with the code of the database's failure
   *     otherwise
   */
  public void apply(JdbcDatabase database) {
    apply(database, LockRetries.DEFAULT);
  }

  void apply(JdbcDatabase database, LockRetries patience) {
    SchemaNames names = database.names();
    Installed found = installed(database);
    if (!isBehind(database, found)) {
      return;
    }
    List<SchemaScript> missing = scripts(names, found == null ? 0 : found.version, latest);
    List<String> first = found == null ? bootstrap(names) : List.of();
    for (int attempt = 1; ; attempt++) {
      try {
        change(database, first, missing);
        return;
      } catch (SQLException e) {
        if (!SqlErrors.isContention(e)) {
          throw database.sharedSessions().noted(SqlErrors.translate(describe(database), e));
        }
        if (!patience.awaitRetry(attempt)) {
          throw stayedInUse(database, attempt, e);
        }
      }
    }
  }

  private void change(JdbcDatabase database, List<String> first, List<SchemaScript> missing)
      throws SQLException {
    try (SchemaLock lock = SchemaLock.take(database, describe(database), SchemaLock.WAIT_SECONDS)) {
      for (String sql : first) {
        lock.execute(sql);
      }
      // Another process may have run the scripts while this one waited for the lock.
      Installed found = installed(lock.connection(), database.names());
      if (isBehind(database, found)) {
        for (SchemaScript script : missing) {
          if (script.version() > found.version) {
            for (String sql : statements(script, database.names())) {
              lock.execute(sql);
            }
          }
        }
      }
      lock.connection().commit();
    }
  }

  /**
   * Checks that this version of the module works with the tables of a database. Engines call it at
   * start. Blocks. It accepts the tables of this version, and newer tables whose newest script
   * states that it is compatible with this version.
   *
   * @param database the database to check
   * @throws StoreException {@code COMMS-JDBC-010} if the tables are missing, {@code COMMS-JDBC-011}
   *     if they are older, {@code COMMS-JDBC-012} if they are newer and not compatible, each with
   *     the remedy in its text; {@code TRANSIENT} if the database can't be reached, or the user may
   *     not read the table of versions ({@code COMMS-JDBC-009})
   */
  public void check(JdbcDatabase database) {
    Installed found = installed(database);
    if (!isBehind(database, found)) {
      return;
    }
    int present = found == null ? 0 : found.version;
    throw new StoreException(
        present == 0 ? "COMMS-JDBC-010" : "COMMS-JDBC-011",
        FailureKind.PERMANENT,
        describe(database)
            + ": "
            + (present == 0 ? "missing" : "version " + present)
            + " (expected: version "
            + latest
            + "; run SchemaScripts.apply, or the SQL of print(database, "
            + present
            + ", "
            + latest
            + "), before this process)",
        null);
  }

  /**
   * Returns the SQL that creates the newest version in an empty schema, for tools that apply it
   * themselves. It does the same as {@link #apply}, with the rows that {@link #check} reads.
   *
   * @param database supplies the dialect and the schema name
   * @return one text; each statement ends with a semicolon at the end of a line
   */
  public String print(JdbcDatabase database) {
    return print(database.names(), 0, latest);
  }

  /**
   * Returns the SQL that updates a schema from one version to another, for tools that apply it
   * themselves. Does not connect.
   *
   * @param database supplies the dialect and the schema name
   * @param from the version of the schema; 0 if it is empty or missing
   * @param to the version to reach, more than {@code from}
   * @return one text; each statement ends with a semicolon at the end of a line
   * @throws IllegalArgumentException if the versions do not exist
   */
  public String print(JdbcDatabase database, int from, int to) {
    return print(database.names(), from, to);
  }

  /**
   * Returns the same SQL without a database, for example for a migration file that is written at
   * build time.
   *
   * @param dialect dialect of the database that will run it
   * @param schema the schema of the tables as in {@link JdbcDatabase.Builder#schema}, or null for
   *     the connection's own
   * @param from the version of the schema; 0 if it is empty or missing
   * @param to the version to reach, more than {@code from}
   * @return one text; each statement ends with a semicolon at the end of a line
   * @throws IllegalArgumentException if the versions do not exist, or the schema's name breaks the
   *     rule for identifiers
   */
  public String print(SqlDialect dialect, @Nullable String schema, int from, int to) {
    Objects.requireNonNull(dialect, "dialect");
    return print(new SchemaNames(dialect, schema), from, to);
  }

  private String print(SchemaNames names, int from, int to) {
    Checks.inRange("to", to, 1, latest);
    Checks.inRange("from", from, 0, to - 1);
    StringBuilder text = new StringBuilder();
    if (from == 0) {
      bootstrap(names).forEach(sql -> text.append(sql).append(";\n"));
    }
    for (SchemaScript script : scripts(names, from, to)) {
      text.append("-- ")
          .append(module)
          .append(", version ")
          .append(script.version())
          .append(", for processes of version ")
          .append(script.compatibleFrom())
          .append(" and newer\n");
      statements(script, names).forEach(sql -> text.append(sql).append(";\n"));
    }
    return text.toString();
  }

  /**
   * Returns the statements before the first script: they create the schema and the table of
   * versions.
   */
  private static List<String> bootstrap(SchemaNames names) {
    List<String> statements = new ArrayList<>();
    if (names.schema() != null) {
      statements.add("CREATE SCHEMA IF NOT EXISTS " + names.dialect().quote(names.schema()));
    }
    statements.add(
        SqlStatement.of(names, CREATE_VERSIONS)
            .with("instant", names.dialect().instantType())
            .text());
    return statements;
  }

  /** Returns a script's statements, with the row that records it. */
  private List<String> statements(SchemaScript script, SchemaNames names) {
    List<String> statements = new ArrayList<>(script.statements());
    statements.add(
        SqlStatement.of(names, ADD_VERSION)
            .with("module", module)
            .with("version", Integer.toString(script.version()))
            .with("compatibleFrom", Integer.toString(script.compatibleFrom()))
            .text());
    return statements;
  }

  private List<SchemaScript> scripts(SchemaNames names, int from, int to) {
    List<SchemaScript> scripts = new ArrayList<>();
    for (int version = from + 1; version <= to; version++) {
      scripts.add(SchemaScript.read(anchor, folder, names, version));
    }
    return scripts;
  }

  /** Returns whether scripts are missing; refuses tables that are too new for this version. */
  private boolean isBehind(JdbcDatabase database, @Nullable Installed found) {
    if (found == null || found.version <= latest) {
      return found == null || found.version < latest;
    }
    if (found.compatibleFrom <= latest) {
      return false;
    }
    throw new StoreException(
        "COMMS-JDBC-012",
        FailureKind.PERMANENT,
        describe(database)
            + ": version "
            + found.version
            + ", for processes of version "
            + found.compatibleFrom
            + " and newer (expected: for version "
            + latest
            + ", as this process is; start a newer release of the library instead)",
        null);
  }

  /**
   * Returns the newest row of the module in the version table; null if the table does not exist.
   */
  private @Nullable Installed installed(JdbcDatabase database) {
    try (SchemaConnection loan = SchemaConnection.of(database)) {
      return installed(loan.connection(), database.names());
    } catch (SQLException e) {
      if (SqlErrors.isUnknownTable(e)) {
        return null;
      }
      throw database.sharedSessions().noted(SqlErrors.translate(describe(database), e));
    }
  }

  private Installed installed(Connection connection, SchemaNames names) throws SQLException {
    Installed newest =
        SqlStatement.of(names, NEWEST_VERSION)
            .one(connection, row -> new Installed(row.getInt(1), row.getInt(2)), module);
    return newest == null ? Installed.NOTHING : newest;
  }

  private StoreException stayedInUse(JdbcDatabase database, int attempts, SQLException cause) {
    return new StoreException(
        "COMMS-JDBC-013",
        FailureKind.CONTENTION,
        describe(database)
            + ": a table stayed in use, attempts: "
            + attempts
            + " (expected: only short transactions on it; end the long one, then run"
            + " SchemaScripts.apply again)",
        SqlErrors.withoutValues(cause));
  }

  private String describe(JdbcDatabase database) {
    return "schema of " + module + " in " + database.id();
  }

  /** The newest row of a module. */
  private record Installed(int version, int compatibleFrom) {
    static final Installed NOTHING = new Installed(0, 0);
  }
}
