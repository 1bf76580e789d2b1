package io.commslib.jdbc;

import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.util.Locale;

/**
 * The databases the stores are written for and tested on, and the few places where their SQL
 * differs.
 *
 * @since 0.1
 */
public enum SqlDialect {
  /**
   * H2 2.x. A file database must be opened with {@code WRITE_DELAY=0}, else a killed process loses
   * commits.
   */
  H2("CURRENT_TIMESTAMP"),
  /** PostgreSQL 13 and newer. */
  POSTGRESQL("clock_timestamp()");

  private final String now;

  SqlDialect(String now) {
    this.now = now;
  }

  /**
   * Returns the SQL expression of the database's clock; leases and due times use no other.
   *
   * @return an expression of type timestamp with time zone
   */
  public String now() {
    return now;
  }

  /**
   * Returns the SQL expression of the database's clock moved by a parameter in milliseconds.
   *
   * @return an expression with one {@code ?}
   */
  public String nowPlusMillis() {
    return this == POSTGRESQL
        ? "clock_timestamp() + (? * interval '1 millisecond')"
        : "DATEADD(MILLISECOND, ?, CURRENT_TIMESTAMP)";
  }

  /**
   * Returns what follows an INSERT so that a duplicate key inserts nothing instead of failing;
   * empty where the database has no such clause and the insert fails with a duplicate-key state
   * instead.
   *
   * @return clause with a leading space, or empty
   */
  public String onConflictDoNothing() {
    return this == POSTGRESQL ? " ON CONFLICT DO NOTHING" : "";
  }

  /**
   * Returns the statement that bounds how long this transaction waits for a row lock.
   *
   * @param millis the bound
   * @return SQL to execute first in the transaction
   */
  public String lockTimeout(long millis) {
    return this == POSTGRESQL ? "SET LOCAL lock_timeout = " + millis : "SET LOCK_TIMEOUT " + millis;
  }

  /** Returns the dialect's name in resource paths. */
  String resourceName() {
    return name().toLowerCase(Locale.ROOT);
  }

  static SqlDialect of(DatabaseMetaData metaData) throws SQLException {
    String product = metaData.getDatabaseProductName();
    return switch (product) {
      case "H2" -> H2;
      case "PostgreSQL" -> POSTGRESQL;
      default ->
          throw new IllegalArgumentException(
              "COMMS-JDBC-007: database: " + product + " (expected: H2 or PostgreSQL)");
    };
  }
}
