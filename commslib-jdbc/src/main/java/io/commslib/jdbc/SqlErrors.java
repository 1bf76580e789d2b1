package io.commslib.jdbc;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransientConnectionException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The one place that reads drivers' failures. For the stores of the library's modules.
 *
 * @since 0.1
 */
public final class SqlErrors {

  /** H2: database closed, broken, connection broken, closed object, lock file changed. */
  private static final Set<Integer> H2_LOST =
      Set.of(90007, 90020, 90028, 90030, 90031, 90067, 90098, 90121, 90135);

  private static final int H2_LOCK_TIMEOUT = 50200;

  /** MySQL, MariaDB: lock wait timeout, also with NOWAIT: the transaction may go on. */
  private static final Set<Integer> MYSQL_LOCK_TIMEOUT = Set.of(1205, 3572);

  /** MySQL, MariaDB: record changed since the snapshot, lock table full: it is rolled back. */
  private static final Set<Integer> MYSQL_CONTENTION = Set.of(1020, 1206);

  /**
   * MySQL, MariaDB: disk full, write error, out of memory, connections of a user, table full,
   * read-only, query interrupted or out of time.
   */
  private static final Set<Integer> MYSQL_UNAVAILABLE =
      Set.of(3, 1021, 1026, 1030, 1037, 1038, 1114, 1203, 1226, 1290, 1317, 1836, 1969, 3024);

  private static final Set<String> MYSQL_GENERAL_STATES = Set.of("HY000", "42000", "70100");
  private static final int MYSQL_KILLED = 1927;
  private static final int MYSQL_PACKET_TOO_LARGE = 1153;

  private static final int MYSQL_DUPLICATE_KEY = 1062;
  private static final int MYSQL_NO_DATABASE = 1049;
  private static final int H2_SCHEMA_NOT_FOUND = 90079;

  /** PostgreSQL: table, schema; MySQL: table; H2: table, or others, or an empty database. */
  private static final Set<String> UNKNOWN_TABLE =
      Set.of("42P01", "3F000", "42S02", "42S03", "42S04");

  private SqlErrors() {}

  /**
   * Translates a driver's failure, except during commit.
   *
   * @param doing what was tried, in a word or two
   * @param failure the driver's failure
   * @return {@code TRANSIENT} for a lost or refused connection, exhausted resources and a database
   *     that takes no writes just now, {@code CONTENTION} for deadlock, serialization failure and
   *     lock timeout, else {@code PERMANENT}
   */
  public static StoreException translate(String doing, SQLException failure) {
    if (isConnectionLost(failure)) {
      return new StoreException(
          "COMMS-JDBC-001", FailureKind.TRANSIENT, doing + ": database not reachable", failure);
    }
    if (isUnavailable(failure)) {
      return new StoreException(
          "COMMS-JDBC-008",
          FailureKind.TRANSIENT,
          doing + ": database can't now, state " + failure.getSQLState(),
          failure);
    }
    if (isContention(failure)) {
      return new StoreException(
          "COMMS-JDBC-002",
          FailureKind.CONTENTION,
          doing + ": state " + failure.getSQLState(),
          failure);
    }
    return new StoreException(
        "COMMS-JDBC-003",
        FailureKind.PERMANENT,
        doing + ": state " + failure.getSQLState() + ", " + firstLine(failure),
        failure);
  }

  /**
   * Translates a failure of a commit.
   *
   * @param failure the driver's failure
   * @return {@code UNKNOWN_RESULT} if the connection broke or the database says it does not know,
   *     else as {@link #translate}
   */
  public static StoreException translateCommit(SQLException failure) {
    return isConnectionLost(failure) || "40003".equals(failure.getSQLState())
        ? new StoreException(
            "COMMS-JDBC-004",
            FailureKind.UNKNOWN_RESULT,
            "commit: connection lost, result unknown",
            failure)
        : translate("commit", failure);
  }

  /**
   * Returns whether a failure, or a cause of it, says that the connection is gone or could not be
   * had.
   *
   * @param failure any failure
   * @return true if nothing can be done on that connection any more
   */
  public static boolean isConnectionLost(@Nullable Throwable failure) {
    Throwable cause = failure;
    for (int depth = 0; cause != null && depth < 20; depth++) {
      if (cause instanceof SQLException sql && isConnectionState(sql)) {
        return true;
      }
      cause = cause.getCause();
    }
    return false;
  }

  /**
   * Returns whether a failure is a duplicate key.
   *
   * @param failure the driver's failure
   * @return true for state 23505 and what MySQL and MariaDB say instead
   */
  public static boolean isDuplicateKey(SQLException failure) {
    return "23505".equals(failure.getSQLState())
        || ("23000".equals(failure.getSQLState()) && failure.getErrorCode() == MYSQL_DUPLICATE_KEY);
  }

  /**
   * Returns whether a lock could not be had in the time allowed.
   *
   * @param failure the driver's failure
   * @return true if the statement did nothing and the transaction may go on; on PostgreSQL it must
   *     be rolled back
   */
  public static boolean isLockTimeout(SQLException failure) {
    return failure.getErrorCode() == H2_LOCK_TIMEOUT
        || isMySqlError(failure, MYSQL_LOCK_TIMEOUT)
        || "55P03".equals(failure.getSQLState());
  }

  /** Codes below 10,000 are MySQL's and MariaDB's; those without a state of their own. */
  private static boolean isMySqlError(SQLException failure, Set<Integer> codes) {
    return failure.getSQLState() != null
        && MYSQL_GENERAL_STATES.contains(failure.getSQLState())
        && codes.contains(failure.getErrorCode());
  }

  /** Whether a table or its schema does not exist. */
  static boolean isUnknownTable(SQLException failure) {
    String state = String.valueOf(failure.getSQLState());
    return UNKNOWN_TABLE.contains(state)
        || failure.getErrorCode() == H2_SCHEMA_NOT_FOUND
        || (state.equals("42000") && failure.getErrorCode() == MYSQL_NO_DATABASE);
  }

  private static boolean isConnectionState(SQLException failure) {
    String state = failure.getSQLState();
    if (failure.getErrorCode() == MYSQL_PACKET_TOO_LARGE && "08S01".equals(state)) {
      // The server hangs up too, but will do so each time.
      return false;
    }
    return failure instanceof SQLTransientConnectionException
        || failure instanceof SQLNonTransientConnectionException
        || failure instanceof SQLRecoverableException
        || H2_LOST.contains(failure.getErrorCode())
        || (state != null
            && (state.startsWith("08")
                || state.startsWith("57P0")
                // PostgreSQL has ended a transaction that stood still for too long.
                || state.equals("25P03")
                || state.equals("53300")
                || (state.equals("70100") && failure.getErrorCode() == MYSQL_KILLED)));
  }

  /** Out of disk, memory or connections; or a standby that is about to be promoted. */
  private static boolean isUnavailable(SQLException failure) {
    String state = failure.getSQLState();
    return (state != null && (state.startsWith("53") || state.equals("25006")))
        || isMySqlError(failure, MYSQL_UNAVAILABLE);
  }

  private static boolean isContention(SQLException failure) {
    String state = failure.getSQLState();
    return isLockTimeout(failure)
        || isMySqlError(failure, MYSQL_CONTENTION)
        || (state != null && state.startsWith("40"));
  }

  private static String firstLine(SQLException failure) {
    String message = String.valueOf(failure.getMessage());
    int end = message.indexOf('\n');
    return message.substring(0, Math.min(end < 0 ? message.length() : end, 200));
  }
}
