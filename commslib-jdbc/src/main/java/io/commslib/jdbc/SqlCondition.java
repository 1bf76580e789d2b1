package io.commslib.jdbc;

import io.commslib.core.FailureKind;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransientConnectionException;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Classification of a driver's failure. Only {@link #REFUSED} proves that the same statement will
 * fail again, so that a message may be dead-lettered immediately. A failure in doubt is never
 * classified as that.
 */
enum SqlCondition {
  /** The connection is lost, or the server is unreachable. */
  LOST("COMMS-JDBC-001", FailureKind.TRANSIENT),
  /** The pool had no free connection in time. */
  POOL_EXHAUSTED("COMMS-JDBC-015", FailureKind.TRANSIENT),
  /** The server has run out of a resource, was told to stop the statement, or is read-only. */
  UNAVAILABLE("COMMS-JDBC-008", FailureKind.TRANSIENT),
  /**
   * A missing or wrong table, privilege, password or database name; a message can't be the cause.
   */
  SETUP("COMMS-JDBC-009", FailureKind.TRANSIENT),
  /**
   * A pooler ran the statement in a session other than the one that it was prepared in; nothing was
   * done.
   */
  WRONG_SESSION("COMMS-JDBC-018", FailureKind.TRANSIENT),
  /** Another transaction won; repeat the whole transaction. */
  CONTENTION("COMMS-JDBC-002", FailureKind.CONTENTION),
  /** The data can't be stored; the class of the state proves it. */
  REFUSED("COMMS-JDBC-003", FailureKind.PERMANENT),
  /** Unknown, or the transaction had failed before; counts as a failed attempt. */
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

  /** MySQL, MariaDB: lock wait timeout, also with NOWAIT: the transaction may continue. */
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

  /** Thrown by the drivers of MySQL and MariaDB before they send a statement that is too large. */
  private static final Set<String> PACKET_TOO_LARGE =
      Set.of("MaxAllowedPacketException", "PacketTooBigException");

  /** Cardinality, data, integrity, check option, program limit. */
  private static final Set<String> REFUSED_CLASSES = Set.of("21", "22", "23", "44", "54");

  /** Resources, operator intervention, object not ready, system, internal, configuration file. */
  private static final Set<String> UNAVAILABLE_CLASSES = Set.of("53", "55", "57", "58", "F0", "XX");

  /** Not supported, authorization, role, catalog, schema, syntax or access rule. */
  private static final Set<String> SETUP_CLASSES = Set.of("0A", "0L", "0P", "28", "3D", "3F", "42");

  /** PostgreSQL: a prepared statement does not exist, or another one has its name. */
  private static final Set<String> WRONG_SESSION_STATES = Set.of("26000", "42P05");

  /** PostgreSQL's protocol violation, of which only some are wrong sessions. */
  private static final String PROTOCOL_VIOLATION = "08P01";

  /** A name that PostgreSQL's driver gives to a prepared statement, in any language's text. */
  private static final Pattern DRIVERS_STATEMENT = Pattern.compile("\\bS_[0-9]+\\b");

  /** PostgreSQL: a statement before this one has failed. */
  private static final String ABORTED = "25P02";

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

  /** Returns the condition of a failure; a pool's failure has the condition of its cause. */
  static SqlCondition of(SQLException failure) {
    if (isPacketTooLarge(failure)) {
      return REFUSED;
    }
    if (isPoolExhausted(failure)) {
      return POOL_EXHAUSTED;
    }
    SQLException cause = withState(failure);
    String state = String.valueOf(cause.getSQLState());
    String stateClass = state.substring(0, Math.min(2, state.length()));
    if (isContention(cause, state)) {
      return CONTENTION;
    }
    if (isMySqlError(cause, MYSQL_UNAVAILABLE)) {
      return UNAVAILABLE;
    }
    if (isMySqlError(cause, MYSQL_REFUSED)) {
      return REFUSED;
    }
    if (isWrongSession(cause)) {
      return WRONG_SESSION;
    }
    // Before the type: a pool wraps a wrong password into a failure to connect.
    if (SETUP_CLASSES.contains(stateClass) || H2_SETUP.contains(cause.getErrorCode())) {
      return SETUP;
    }
    if (isLost(failure) || isLost(cause)) {
      return LOST;
    }
    if (UNAVAILABLE_CLASSES.contains(stateClass)
        || state.equals("25006")
        || H2_UNAVAILABLE.contains(cause.getErrorCode())) {
      return UNAVAILABLE;
    }
    return REFUSED_CLASSES.contains(stateClass) ? REFUSED : UNKNOWN;
  }

  /** Returns whether one failure, without its causes, reports a lost connection. */
  static boolean isLost(SQLException failure) {
    String state = failure.getSQLState();
    if (isPacketTooLarge(failure)) {
      // The server also closes the connection, but will do so each time.
      return false;
    }
    if (isWrongSession(failure)) {
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

  /**
   * Returns whether one failure, without its causes, shows a session other than the expected one: a
   * prepared statement is missing, its name is taken, or it has other parameters.
   */
  static boolean isWrongSession(SQLException failure) {
    String state = String.valueOf(failure.getSQLState());
    return WRONG_SESSION_STATES.contains(state)
        || (state.equals(PROTOCOL_VIOLATION)
            && DRIVERS_STATEMENT.matcher(String.valueOf(failure.getMessage())).find());
  }

  /** Returns whether one failure, without its causes, is the consequence of an earlier one. */
  static boolean isConsequence(SQLException failure) {
    return ABORTED.equals(failure.getSQLState());
  }

  /** Returns whether the wait for a lock timed out. */
  static boolean isLockTimeout(SQLException failure) {
    return failure.getErrorCode() == H2_LOCK_TIMEOUT
        || isMySqlError(failure, MYSQL_LOCK_TIMEOUT)
        || "55P03".equals(failure.getSQLState());
  }

  /**
   * Returns whether the database may have rolled back the whole transaction with the failure, so
   * that the next statement begins another one. MariaDB, MySQL and H2 do so after a deadlock, a
   * reconnecting driver after a lost connection. After a lock timeout it depends on the server's
   * settings.
   */
  static boolean mayEndTransaction(SQLException failure) {
    SQLException cause = withState(failure);
    return isContention(cause, String.valueOf(cause.getSQLState()))
            && cause.getErrorCode() != H2_CONCURRENT_UPDATE
        || isLost(failure)
        || isLost(cause);
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

  /**
   * HikariCP, Tomcat, DBCP2 and H2's pool. A pool that could not connect has the reason as its
   * cause.
   */
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

  /**
   * Returns whether a failure has one of the codes of MySQL and MariaDB that have no state of their
   * own.
   */
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
