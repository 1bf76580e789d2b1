package io.commslib.jdbc;

import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
import io.commslib.core.tx.DatabaseId;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Locale;
import java.util.Objects;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A database as the stores use it: the source of connections, the schema of the tables and the SQL
 * dialect. Thread-safe. Stores that take part in one transaction must be created with the same data
 * source.
 */
public final class JdbcDatabase {

  /** Properties of the connections and of the server. */
  private record Traits(
      SqlDialect dialect, boolean autoCommits, boolean readsCommitted, long maxStatementBytes) {}

  private final DataSource dataSource;
  private final SchemaNames names;
  private final Traits traits;
  private final DatabaseId id;
  private final SharedSessions sharedSessions = new SharedSessions();

  private JdbcDatabase(DataSource dataSource, @Nullable String schema, Traits traits) {
    this.dataSource = dataSource;
    this.names = new SchemaNames(traits.dialect(), schema);
    this.traits = traits;
    this.id =
        DatabaseId.of(
            dataSource,
            traits.dialect().name().toLowerCase(Locale.ROOT)
                + (schema == null ? "" : ":" + schema));
  }

  /**
   * Starts a configuration.
   *
   * @param dataSource source of connections: a pool that supplies each one with the same isolation
   *     and auto-commit mode, and none on which a transaction runs. The caller closes it after
   *     everything that uses it
   * @return new builder
   */
  public static Builder builder(DataSource dataSource) {
    return new Builder(dataSource);
  }

  /** {@return the source of connections} */
  public DataSource dataSource() {
    return dataSource;
  }

  /** {@return the SQL dialect} */
  public SqlDialect dialect() {
    return traits.dialect();
  }

  /**
   * Returns the identity that transactions and stores compare.
   *
   * @return an identity that is equal for databases created with the same data source
   */
  public DatabaseId id() {
    return id;
  }

  /**
   * Returns the quoted, schema-qualified name of a table.
   *
   * @param name plain name
   * @return text for SQL
   * @throws IllegalArgumentException if the name breaks the rule for identifiers
   */
  public String table(String name) {
    return names.table(name);
  }

  /**
   * Returns the maximum length of a statement with its parameters.
   *
   * @return the length in bytes: on MySQL and MariaDB the server's {@code max_allowed_packet} at
   *     the time of {@link Builder#build}; elsewhere {@link Long#MAX_VALUE}
   */
  public long maxStatementBytes() {
    return traits.maxStatementBytes();
  }

  /** Returns whether connections are supplied with isolation READ COMMITTED. */
  boolean readsCommitted() {
    return traits.readsCommitted();
  }

  /** Returns whether connections are supplied with auto-commit on. */
  boolean autoCommits() {
    return traits.autoCommits();
  }

  /** Returns the knowledge of a pooler in front of it, from failures. */
  SharedSessions sharedSessions() {
    return sharedSessions;
  }

  /** Returns the form of names in its SQL. */
  SchemaNames names() {
    return names;
  }

  @Override
  public String toString() {
    return "JdbcDatabase{" + id + "}";
  }

  /** Collects the settings. Not thread-safe. */
  public static final class Builder {
    private final DataSource dataSource;
    private @Nullable String schema;

    private Builder(DataSource dataSource) {
      this.dataSource = Objects.requireNonNull(dataSource, "dataSource");
    }

    /**
     * Sets the schema of the tables, on MySQL and MariaDB the database. The name is quoted in SQL,
     * so it is case-sensitive.
     *
     * @param schema {@code [A-Za-z_][A-Za-z0-9_]{0,62}}; default: the schema of the connection
     * @return this
     */
    public Builder schema(String schema) {
      this.schema = SchemaNames.identifier("schema", schema);
      return this;
    }

    /**
     * Connects once to read the dialect and the server's settings. Blocks.
     *
     * @return immutable database
     * @throws StoreException {@code TRANSIENT} if it can't be reached
     * @throws IllegalArgumentException {@code COMMS-JDBC-007} if it is not a supported database; if
     *     connections are read-only; if it is an H2 database in a file without {@code
     *     WRITE_DELAY=0}; if it is a MySQL or MariaDB that is too old, not in strict mode, or rolls
     *     back on timeouts
     */
    public JdbcDatabase build() {
      BorrowedConnection borrowed;
      try {
        borrowed = BorrowedConnection.first(dataSource);
      } catch (SQLException e) {
        throw SqlErrors.translateConnect("connect", e);
      }
      try {
        Traits traits = inspect(borrowed.connection(), borrowed.originalAutoCommit());
        return new JdbcDatabase(dataSource, schema, traits);
      } catch (SQLException e) {
        throw SqlErrors.translate("connect", e);
      } finally {
        borrowed.giveBack();
      }
    }

    private static Traits inspect(Connection connection, boolean autoCommits) throws SQLException {
      Checks.check(!connection.isReadOnly(), "readOnly", true, "false, for the pool's connections");
      SqlDialect dialect = SqlDialect.of(connection.getMetaData());
      if (dialect == SqlDialect.H2) {
        H2Durability.check(connection);
      }
      long maxStatementBytes =
          dialect.isMySql() ? MySqlSettings.check(connection, dialect) : Long.MAX_VALUE;
      boolean readsCommitted =
          connection.getTransactionIsolation() == Connection.TRANSACTION_READ_COMMITTED;
      return new Traits(dialect, autoCommits, readsCommitted, maxStatementBytes);
    }
  }
}
