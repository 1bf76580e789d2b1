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
 * A database as the stores see it: where connections come from, which schema the tables lie in,
 * which dialect it speaks. Immutable; stores that shall take part in one transaction are made with
 * the same data source.
 */
public final class JdbcDatabase {

  /** How connections come, and what they lead to. */
  private record Traits(
      SqlDialect dialect, boolean autoCommits, boolean readsCommitted, long maxStatementBytes) {}

  private final DataSource dataSource;
  private final SchemaNames names;
  private final Traits traits;
  private final DatabaseId id;

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
   * @param dataSource where connections come from; a pool that hands each one out with the same
   *     isolation and auto-commit mode, and none on which a transaction runs. The caller closes it
   *     after everything that uses it
   * @return new builder
   */
  public static Builder builder(DataSource dataSource) {
    return new Builder(dataSource);
  }

  /**
   * Returns where connections come from.
   *
   * @return the data source
   */
  public DataSource dataSource() {
    return dataSource;
  }

  /**
   * Returns which dialect the database speaks.
   *
   * @return the dialect
   */
  public SqlDialect dialect() {
    return traits.dialect();
  }

  /**
   * Returns the identity that transactions and stores compare.
   *
   * @return equal for databases made with the same data source
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
   * Returns how long a statement may be, its parameters included.
   *
   * @return bytes, on MySQL and MariaDB {@code max_allowed_packet} as it was when this was built;
   *     elsewhere {@link Long#MAX_VALUE}
   */
  public long maxStatementBytes() {
    return traits.maxStatementBytes();
  }

  /** Whether connections come with isolation READ COMMITTED, so that setting it costs nothing. */
  boolean readsCommitted() {
    return traits.readsCommitted();
  }

  /** Whether connections come with auto-commit on. */
  boolean autoCommits() {
    return traits.autoCommits();
  }

  /** Returns how names are written in its SQL. */
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
     * Sets the schema of the tables, on MySQL and MariaDB the database; without it the connection's
     * own is used. Used in quotes, so its case counts.
     *
     * @param schema {@code [A-Za-z_][A-Za-z0-9_]{0,62}}
     * @return this
     */
    public Builder schema(String schema) {
      this.schema = SchemaNames.identifier("schema", schema);
      return this;
    }

    /**
     * Connects once to learn the dialect. Blocks.
     *
     * @return immutable database
     * @throws StoreException {@code TRANSIENT} if it can't be reached
     * @throws IllegalArgumentException {@code COMMS-JDBC-007} if it is not a supported database; if
     *     connections come read-only; if it is an H2 database in a file without {@code
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
        Traits traits = learn(borrowed.connection(), borrowed.originalAutoCommit());
        return new JdbcDatabase(dataSource, schema, traits);
      } catch (SQLException e) {
        throw SqlErrors.translate("connect", e);
      } finally {
        borrowed.giveBack();
      }
    }

    private static Traits learn(Connection connection, boolean autoCommits) throws SQLException {
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
