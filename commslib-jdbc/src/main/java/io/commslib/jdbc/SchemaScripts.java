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
 * The numbered schema scripts of one module, and the check that a database has what this version of
 * the module needs. The table {@code commslib_schema} keeps which scripts have run, and with each
 * the oldest version of the module that can work with the tables from then on.
 *
 * <p>Scripts run before the processes that need them start. Processes of the version before go on
 * meanwhile, and may start again, as long as the newest script says that it is compatible with
 * them. Immutable.
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
   * {@code schema} beside a class. Statements end with a semicolon at the end of a line; {@code
   * ${schema}} stands for the quoted schema and a dot, {@code ${text}} for a table's character set.
   *
   * <p>The first line of a script may be {@code -- compatible from: N}: the oldest version of the
   * module whose code can work with the tables once the script has run, from 1 to the script's own.
   * Without that line it is the script's own version, so that older processes are refused.
   *
   * <p>Most databases commit each change of a table by itself, so a script may end half way and is
   * then run again from its first statement: each statement must allow that ({@code IF NOT EXISTS}
   * and the like).
   *
   * @param module name kept in the version table
   * @param latest number of the newest script, 1 or more
   * @param anchor class beside which the resources lie
   * @return the scripts
   */
  public static SchemaScripts of(String module, int latest, Class<?> anchor) {
    return of(module, latest, anchor, "schema");
  }

  /**
   * Describes the scripts of a module as {@link #of(String, int, Class)} does, in a folder of
   * another name.
   *
   * @param module name kept in the version table
   * @param latest number of the newest script, 1 or more
   * @param anchor class below whose package the resources lie
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

  /**
   * Returns the name of the module in the version table.
   *
   * @return the name
   */
  public String module() {
    return module;
  }

  /**
   * Returns the number of the newest script: the version that this module's code is written for.
   *
   * @return 1 or more
   */
  public int latest() {
    return latest;
  }

  /**
   * Brings a database to the newest version: creates the schema, the version table and whatever
   * scripts are missing. Does nothing if they have all run, or if the tables are newer and
   * compatible with this version. Other tools may run the same scripts instead; {@link
   * #print(JdbcDatabase, int, int)} gives their text.
   *
   * <p>Blocks. Several processes may call it at once: one works, the others wait and find nothing
   * left to do. Writers and readers may use the tables meanwhile: a change waits half a second for
   * a table that a transaction uses (a second on MySQL and MariaDB), then lets the others pass and
   * tries again, for about 50 seconds. An interrupt ends the wait between two attempts.
   *
   * <p>On PostgreSQL all of it commits at once. Elsewhere a failure may leave a script half done;
   * the next call runs it again. The connection (two on H2) is given back as it was, whatever
   * happens.
   *
   * @param database which one
   * @throws StoreException {@code COMMS-JDBC-012} if the tables are newer and not compatible;
   *     {@code COMMS-JDBC-013}, of kind {@code CONTENTION}, if a table stayed in use or another
   *     process has been changing tables for a minute; else as the database refuses
   */
  public void apply(JdbcDatabase database) {
    apply(database, LockRetries.USUAL);
  }

  void apply(JdbcDatabase database, LockRetries patience) {
    SchemaNames names = database.names();
    Installed found = installed(database);
    if (!isBehind(database, found)) {
      return;
    }
    List<SchemaScript> missing = scripts(names, found == null ? 0 : found.version, latest);
    List<String> first = found == null ? ground(names) : List.of();
    for (int attempt = 1; ; attempt++) {
      try {
        change(database, first, missing);
        return;
      } catch (SQLException e) {
        if (!SqlErrors.isContention(e)) {
          throw SqlErrors.translate(on(database), e);
        }
        if (!patience.again(attempt)) {
          throw stayedInUse(database, attempt, e);
        }
      }
    }
  }

  private void change(JdbcDatabase database, List<String> first, List<SchemaScript> missing)
      throws SQLException {
    try (SchemaLock lock = SchemaLock.take(database, on(database), SchemaLock.WAIT_SECONDS)) {
      for (String sql : first) {
        lock.execute(sql);
      }
      // Another process may have worked while this one waited for the lock.
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
   * Checks that this version of the module can work with a database. Engines call it at start.
   * Blocks. Accepted are the tables of this version, and newer ones whose newest script says that
   * it is compatible with it.
   *
   * @param database which one
   * @throws StoreException {@code COMMS-JDBC-010} if the tables are missing, {@code COMMS-JDBC-011}
   *     if they are older, {@code COMMS-JDBC-012} if they are newer and not compatible, each with
   *     what to do; {@code TRANSIENT} if the database can't be reached, or the user may not read
   *     the table of versions ({@code COMMS-JDBC-009})
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
        on(database)
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
   * Returns the SQL that brings an empty schema to the newest version, for tools that apply it
   * themselves: what {@link #apply} would do, with the rows that {@link #check} looks for.
   *
   * @param database its dialect and schema name are used
   * @return one text, statements end with a semicolon at the end of a line
   */
  public String print(JdbcDatabase database) {
    return print(database.names(), 0, latest);
  }

  /**
   * Returns the SQL that brings a schema from one version to another, for tools that apply it
   * themselves. Doesn't connect.
   *
   * @param database its dialect and schema name are used
   * @param from the version that the schema has; 0 if it is empty or not there
   * @param to the version to reach, more than {@code from}
   * @return one text, statements end with a semicolon at the end of a line
   * @throws IllegalArgumentException if there are no such versions
   */
  public String print(JdbcDatabase database, int from, int to) {
    return print(database.names(), from, to);
  }

  /**
   * Returns the same without a database, as for a migration file that is made at build time.
   *
   * @param dialect which database will run it
   * @param schema the schema of the tables as in {@link JdbcDatabase.Builder#schema}, or null for
   *     the connection's own
   * @param from the version that the schema has; 0 if it is empty or not there
   * @param to the version to reach, more than {@code from}
   * @return one text, statements end with a semicolon at the end of a line
   * @throws IllegalArgumentException if there are no such versions, or the schema's name breaks the
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
      ground(names).forEach(sql -> text.append(sql).append(";\n"));
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

  /** What must be there before the first script: the schema and the table of versions. */
  private static List<String> ground(SchemaNames names) {
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

  /** A script's statements, with the row that says it has run. */
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

  /** Returns whether scripts are missing; refuses what is too new for this version. */
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
        on(database)
            + ": version "
            + found.version
            + ", for processes of version "
            + found.compatibleFrom
            + " and newer (expected: for version "
            + latest
            + ", as this process is; start a newer release of the library instead)",
        null);
  }

  /** Returns what the version table says, or null if there is no such table. */
  private @Nullable Installed installed(JdbcDatabase database) {
    try (Loan loan = Loan.of(database.dataSource())) {
      return installed(loan.connection(), database.names());
    } catch (SQLException e) {
      if (SqlErrors.isUnknownTable(e)) {
        return null;
      }
      throw SqlErrors.translate(on(database), e);
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
        on(database)
            + ": a table stayed in use, attempts: "
            + attempts
            + " (expected: only short transactions on it; end the long one, then run"
            + " SchemaScripts.apply again)",
        SqlErrors.withoutValues(cause));
  }

  private String on(JdbcDatabase database) {
    return "schema of " + module + " in " + database.id();
  }

  /** The newest row of a module. */
  private record Installed(int version, int compatibleFrom) {
    static final Installed NOTHING = new Installed(0, 0);
  }
}
