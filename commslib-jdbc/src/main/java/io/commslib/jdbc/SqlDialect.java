package io.commslib.jdbc;

import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Timestamp;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * The supported databases and the few places where their SQL differs. All are tested except MySQL,
 * which shares the SQL of MariaDB.
 */
public enum SqlDialect {
  /**
   * H2 2.2.220 and newer. A file database must be opened with {@code WRITE_DELAY=0}, otherwise a
   * killed process loses commits.
   */
  H2("CURRENT_TIMESTAMP"),
  /** MariaDB 10.6 and newer, tables in InnoDB. */
  MARIADB("utc_timestamp(6)"),
  /** MySQL 8.0.16 and newer, tables in InnoDB. Not tested. */
  MYSQL("utc_timestamp(6)"),
  /** PostgreSQL 13 and newer. */
  POSTGRESQL("clock_timestamp()");

  /** Sets the isolation of one transaction, as its first statement. */
  static final String READ_COMMITTED = "SET TRANSACTION ISOLATION LEVEL READ COMMITTED";

  private final String now;

  SqlDialect(String now) {
    this.now = now;
  }

  /**
   * Returns the SQL expression of the database's clock, the only clock of leases and due times.
   *
   * @return an expression of type timestamp with time zone; on MySQL and MariaDB, which have no
   *     such type, of type datetime in UTC, independent of the session's time zone
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
    return switch (this) {
      case H2 -> "DATEADD(MILLISECOND, ?, CURRENT_TIMESTAMP)";
      case MARIADB, MYSQL -> "(utc_timestamp(6) + INTERVAL (? * 1000) MICROSECOND)";
      case POSTGRESQL -> "clock_timestamp() + (? * interval '1 millisecond')";
    };
  }

  /**
   * Sets a parameter that is compared with {@link #now()} or stored beside it. Independent of the
   * time zones of the JVM and the session.
   *
   * @param statement the statement
   * @param index index of the parameter
   * @param instant the value
   * @throws SQLException as the driver throws it
   */
  public void setInstant(PreparedStatement statement, int index, Instant instant)
      throws SQLException {
    if (isMySql()) {
      statement.setObject(index, LocalDateTime.ofInstant(instant, ZoneOffset.UTC));
    } else {
      statement.setTimestamp(index, Timestamp.from(instant));
    }
  }

  /**
   * Reads a column written by {@link #now()} or {@link #setInstant}.
   *
   * @param row positioned on the row
   * @param column number of the column
   * @return the value, or null
   * @throws SQLException as the driver throws it
   */
  public @Nullable Instant instant(ResultSet row, int column) throws SQLException {
    if (isMySql()) {
      LocalDateTime utc = row.getObject(column, LocalDateTime.class);
      return utc == null ? null : utc.toInstant(ZoneOffset.UTC);
    }
    Timestamp timestamp = row.getTimestamp(column);
    return timestamp == null ? null : timestamp.toInstant();
  }

  /**
   * Returns the clause after an INSERT that makes a duplicate key insert nothing instead of
   * failing.
   *
   * @return clause with a leading space; empty if the database has no such clause, and the insert
   *     then fails with a duplicate-key state
   */
  public String onConflictDoNothing() {
    return this == POSTGRESQL ? " ON CONFLICT DO NOTHING" : "";
  }

  /**
   * Returns the statement that limits the wait for a row lock: on H2 for the session, on PostgreSQL
   * until the transaction ends.
   *
   * @param millis the limit in milliseconds
   * @return SQL to execute first in the transaction
   */
  public String lockTimeout(long millis) {
    return this == POSTGRESQL ? "SET LOCAL lock_timeout = " + millis : "SET LOCK_TIMEOUT " + millis;
  }

  /**
   * Returns the prefix of a statement that limits its wait for a row lock. Only MariaDB has one; on
   * MySQL the session's {@code innodb_lock_wait_timeout} applies.
   *
   * @param atMost the limit, rounded up to seconds; zero does not wait
   * @return text with a trailing space; empty on other databases
   */
  public String waitingAtMost(Duration atMost) {
    long seconds = atMost.plusMillis(999).toSeconds();
    return this == MARIADB ? "SET STATEMENT innodb_lock_wait_timeout=" + seconds + " FOR " : "";
  }

  /**
   * Returns whether this is MySQL or MariaDB, which share nearly all of their SQL.
   *
   * @return true for both databases
   */
  public boolean isMySql() {
    return this == MARIADB || this == MYSQL;
  }

  /**
   * Returns whether {@link #READ_COMMITTED} sets the isolation of the transaction that has begun.
   * On MySQL and MariaDB it would be that of the next transaction, possibly another user's.
   */
  boolean setsIsolationOfTransaction() {
    return this == POSTGRESQL;
  }

  /** Returns a valid identifier in this dialect's quotes. */
  String quote(String identifier) {
    return isMySql() ? '`' + identifier + '`' : '"' + identifier + '"';
  }

  /** Returns the type of columns for points in time. */
  String instantType() {
    return isMySql() ? "datetime(6)" : "timestamp with time zone";
  }

  /**
   * Returns the replacement of {@code ${text}} in a schema script, which makes the database compare
   * keys and ids byte by byte, as Java does, and not by the rules of a language.
   */
  String textOptions() {
    return switch (this) {
      case MARIADB -> "CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin";
      case MYSQL -> "CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_bin";
      default -> "";
    };
  }

  /** Returns the dialect's name in resource paths. */
  String resourceName() {
    return isMySql() ? "mysql" : name().toLowerCase(Locale.ROOT);
  }

  static SqlDialect of(DatabaseMetaData metaData) throws SQLException {
    String product = metaData.getDatabaseProductName();
    String version = String.valueOf(metaData.getDatabaseProductVersion());
    return switch (product) {
      case "H2" -> H2;
      case "PostgreSQL" -> POSTGRESQL;
      case "MariaDB" -> MARIADB;
      // MySQL's driver gives every server this name.
      case "MySQL" -> version.toLowerCase(Locale.ROOT).contains("mariadb") ? MARIADB : MYSQL;
      default ->
          throw new IllegalArgumentException(
              "COMMS-JDBC-007: database: "
                  + product
                  + " (expected: H2, MariaDB, MySQL or PostgreSQL)");
    };
  }
}
