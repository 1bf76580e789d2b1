package io.commslib.jdbc;

import io.commslib.core.FailureKind;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransientConnectionException;
import java.util.NoSuchElementException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a driver's failure means. {@link #REFUSED} is the only condition that proves that the same
 * statement will fail again, so that a message may be given up at once; what is in doubt is never
 * that.
 */
enum SqlCondition {
  /** The connection is gone, or the server could not be reached. */
  LOST("COMMS-JDBC-001", FailureKind.TRANSIENT),
  /** The pool had no free connection in time. */
  POOL_EXHAUSTED("COMMS-JDBC-015", FailureKind.TRANSIENT),
  /** The server is out of a resource, was told to stop the statement, or takes no writes now. */
  UNAVAILABLE("COMMS-JDBC-008", FailureKind.TRANSIENT),
  /** Table, privilege, password or database name: nothing that a message could be the cause of. */
  SETUP("COMMS-JDBC-009", FailureKind.TRANSIENT),
  /** Another transaction won; repeat the whole transaction. */
  CONTENTION("COMMS-JDBC-002", FailureKind.CONTENTION),
  /** The data can't be stored: proved by the class of the state. */
  REFUSED("COMMS-JDBC-003", FailureKind.PERMANENT),
  /** Not known, or the transaction had failed before: a failed attempt, no more. */
  UNKNOWN("COMMS-JDBC-016", FailureKind.CONTENTION);

  private static final int MAX_DEPTH = 20;

  /** H2: database closed, broken, connection broken, closed object, lock file changed. */
  private static final Set<Integer> H2_LOST =
      Set.of(90007, 90020, 90028, 90030, 90031, 90067, 90098, 90121, 90135);

  /** H2: statement cancelled or out of time, read-only database, out of memory. */
  private static final Set<Integer> H2_UNAVAILABLE = Set.of(57014, 90097, 90108);

  /** H2: no schema, no right, no such database, not supported. */
  private static final Set<Integer> H2_SETUP = Set.of(50100, 90013, 90040, 90079, 90096, 90146);

  private static final int H2_LOCK_TIMEOUT = 50200;
  private static final int H2_CONCURRENT_UPDATE = 90131;
  private static final int H2_POOL_TIMEOUT = 8001;

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

  /** MySQL, MariaDB: row too large, invalid or missing or truncated value, check constraint. */
  private static final Set<Integer> MYSQL_REFUSED = Set.of(1118, 1265, 1300, 1364, 1366, 3819);

  private static final Set<String> MYSQL_GENERAL_STATES =
      Set.of("01000", "HY000", "42000", "70100");
  private static final int MYSQL_KILLED = 1927;
  private static final int MYSQL_PACKET_TOO_LARGE = 1153;

  /** What the drivers of MySQL and MariaDB throw instead of sending what the server won't take. */
  private static final Set<String> PACKET_TOO_LARGE =
      Set.of("MaxAllowedPacketException", "PacketTooBigException");

  /** Cardinality, data, integrity, check option, program limit. */
  private static final Set<String> REFUSED_CLASSES = Set.of("21", "22", "23", "44", "54");

  /** Resources, operator intervention, object not ready, system, internal, configuration file. */
  private static final Set<String> UNAVAILABLE_CLASSES = Set.of("53", "55", "57", "58", "F0", "XX");

  /**
   * Not supported, authorization, role, catalog, schema, syntax or access rule; and the prepared
   * statement of another session, as a pooler that changes sessions causes.
   */
  private static final Set<String> SETUP_CLASSES =
      Set.of("0A", "0L", "0P", "26", "28", "3D", "3F", "42");

  private final String code;
  private final FailureKind kind;

  SqlCondition(String code, FailureKind kind) {
    this.code = code;
    this.kind = kind;
  }

  String code() {
    return code;
  }

  FailureKind kind() {
    return kind;
  }

  /** Returns what a failure means; a pool's own failure means what the one behind it does. */
  static SqlCondition of(SQLException failure) {
    if (isPacketTooLarge(failure)) {
      return REFUSED;
    }
    if (isPoolExhausted(failure)) {
      return POOL_EXHAUSTED;
    }
    SQLException telling = withState(failure);
    String state = String.valueOf(telling.getSQLState());
    String stateClass = state.substring(0, Math.min(2, state.length()));
    if (isContention(telling, state)) {
      return CONTENTION;
    }
    if (isMySqlError(telling, MYSQL_UNAVAILABLE)) {
      return UNAVAILABLE;
    }
    if (isMySqlError(telling, MYSQL_REFUSED)) {
      return REFUSED;
    }
    // Before the type: a pool wraps a wrong password into a failure to connect.
    if (SETUP_CLASSES.contains(stateClass) || H2_SETUP.contains(telling.getErrorCode())) {
      return SETUP;
    }
    if (isLost(failure) || isLost(telling)) {
      return LOST;
    }
    if (UNAVAILABLE_CLASSES.contains(stateClass)
        || state.equals("25006")
        || H2_UNAVAILABLE.contains(telling.getErrorCode())) {
      return UNAVAILABLE;
    }
    return REFUSED_CLASSES.contains(stateClass) ? REFUSED : UNKNOWN;
  }

  /** Returns whether one failure, its causes aside, says that there is no connection. */
  static boolean isLost(SQLException failure) {
    String state = failure.getSQLState();
    if (isPacketTooLarge(failure)) {
      // The server hangs up too, but will do so each time.
      return false;
    }
    return failure instanceof SQLTransientConnectionException
        || failure instanceof SQLNonTransientConnectionException
        || failure instanceof SQLRecoverableException
        || isPoolExhausted(failure)
        || H2_LOST.contains(failure.getErrorCode())
        || (state != null
            && (state.startsWith("08")
                || state.startsWith("57P0")
                // PostgreSQL has ended a transaction that was idle, or ran, for too long.
                || state.equals("25P03")
                || state.equals("25P04")
                || state.equals("53300")
                || (state.equals("70100") && failure.getErrorCode() == MYSQL_KILLED)));
  }

  /** Returns whether a lock could not be had in time. */
  static boolean isLockTimeout(SQLException failure) {
    return failure.getErrorCode() == H2_LOCK_TIMEOUT
        || isMySqlError(failure, MYSQL_LOCK_TIMEOUT)
        || "55P03".equals(failure.getSQLState());
  }

  /**
   * Returns whether the database may have rolled back the whole transaction with the failure, so
   * that the next statement begins another one: MariaDB, MySQL and H2 do so after a deadlock, a
   * driver that connects again after a lost connection. After a lock timeout it depends.
   */
  static boolean mayEndTransaction(SQLException failure) {
    SQLException telling = withState(failure);
    return isContention(telling, String.valueOf(telling.getSQLState()))
            && telling.getErrorCode() != H2_CONCURRENT_UPDATE
        || isLost(failure)
        || isLost(telling);
  }

  private static boolean isContention(SQLException failure, String state) {
    return isLockTimeout(failure)
        || isMySqlError(failure, MYSQL_CONTENTION)
        || failure.getErrorCode() == H2_CONCURRENT_UPDATE
        || state.startsWith("40");
  }

  private static boolean isPacketTooLarge(SQLException failure) {
    if (failure.getErrorCode() == MYSQL_PACKET_TOO_LARGE && "08S01".equals(failure.getSQLState())) {
      return true;
    }
    Throwable at = failure;
    for (int depth = 0; at != null && depth < MAX_DEPTH; depth++) {
      if (PACKET_TOO_LARGE.contains(at.getClass().getSimpleName())) {
        return true;
      }
      at = at.getCause();
    }
    return false;
  }

  /** HikariCP; Tomcat; DBCP2; H2's pool. One that could not connect has the reason as its cause. */
  private static boolean isPoolExhausted(SQLException failure) {
    String message = String.valueOf(failure.getMessage());
    return (failure instanceof SQLTransientConnectionException
            && message.contains("request timed out")
            && !(failure.getCause() instanceof SQLException))
        || failure.getClass().getSimpleName().equals("PoolExhaustedException")
        || (failure.getCause() instanceof NoSuchElementException
            && message.startsWith("Cannot get a connection"))
        || (failure.getErrorCode() == H2_POOL_TIMEOUT && message.startsWith("Login timeout"));
  }

  /** Codes below 10,000 are MySQL's and MariaDB's; those without a state of their own. */
  private static boolean isMySqlError(SQLException failure, Set<Integer> codes) {
    return failure.getSQLState() != null
        && MYSQL_GENERAL_STATES.contains(failure.getSQLState())
        && codes.contains(failure.getErrorCode());
  }

  /** Returns the first failure in the chain of causes that has a state, else the failure itself. */
  private static SQLException withState(SQLException failure) {
    @Nullable Throwable at = failure;
    for (int depth = 0; at != null && depth < MAX_DEPTH; depth++) {
      if (at instanceof SQLException sql && sql.getSQLState() != null) {
        return sql;
      }
      at = at.getCause();
    }
    return failure;
  }
}
