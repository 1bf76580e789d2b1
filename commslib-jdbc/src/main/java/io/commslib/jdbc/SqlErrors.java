package io.commslib.jdbc;

import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.StoreException;
import java.sql.SQLException;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Translates the failures of drivers and pools. For the stores of the library's modules. */
public final class SqlErrors {

  private static final int MYSQL_DUPLICATE_KEY = 1062;
  private static final int MYSQL_NO_DATABASE = 1049;
  private static final int H2_SCHEMA_NOT_FOUND = 90079;

  /** PostgreSQL: table, schema; MySQL: table; H2: table, or others, or an empty database. */
  private static final Set<String> UNKNOWN_TABLE =
      Set.of("42P01", "3F000", "42S02", "42S03", "42S04");

  private SqlErrors() {}

  /**
   * Translates a driver's failure of a statement of the library, except during commit. A failure is
   * {@code PERMANENT} only if the class of its state proves that the same statement will fail
   * again.
   *
   * @param doing name of the operation for the error text, one or two words
   * @param failure the driver's failure
   * @return {@code PERMANENT} for data that can't be stored; {@code CONTENTION} for deadlock,
   *     serialization failure and lock timeout, and for every unknown failure, which counts as a
   *     failed attempt; {@code TRANSIENT} for a lost or refused connection, an exhausted pool, an
   *     unavailable database, and for failures that an operator must correct: missing table or
   *     privilege, wrong password or database
   */
  public static StoreException translate(String doing, SQLException failure) {
    return exception(doing, SqlCondition.of(failure), failure);
  }

  /**
   * Translates a failure to get a connection: nothing was done, and a message can't be the cause.
   *
   * @param doing name of the operation for the error text, one or two words
   * @param failure the failure of the driver or the pool
   * @return always {@code TRANSIENT}
   */
  public static StoreException translateConnect(String doing, SQLException failure) {
    SqlCondition condition = SqlCondition.of(failure);
    return exception(
        doing, condition.kind() == FailureKind.TRANSIENT ? condition : SqlCondition.LOST, failure);
  }

  /**
   * Returns a failure of a driver in a form that may be logged and used as a cause: without the
   * values that the driver quotes, such as the parameters of a batch or the refused row.
   *
   * @param failure the driver's failure
   * @return the failure itself if it has no values; otherwise a copy with its state, vendor code
   *     and stack trace and the first line of its text
   */
  public static SQLException withoutValues(SQLException failure) {
    return RedactedFailure.of(failure);
  }

  /**
   * Returns a failure of the work, or of a layer over a driver, in a form that may be the cause of
   * a failure of the library. Such layers quote statements, rows and keys in their own texts.
   *
   * @param failure any failure
   * @return the failure itself if it is one of the library, an error of the JVM or an interrupt;
   *     the result of {@link #withoutValues(SQLException)} if it is one of a driver; otherwise a
   *     failure that names its class, with its stack trace and its causes treated likewise
   */
  public static Throwable withoutValues(Throwable failure) {
    return RedactedFailure.ofAny(failure);
  }

  private static StoreException exception(
      String doing, SqlCondition condition, SQLException original) {
    SQLException failure = RedactedFailure.of(original);
    String text =
        switch (condition) {
          case LOST -> "database not reachable";
          case POOL_EXHAUSTED ->
              "pool exhausted: no free connection in time (expected: a pool with as many"
                  + " connections as transactions run at the same time, and no leak: check its maximum,"
                  + " as maximumPoolSize of HikariCP, maxTotal of DBCP2, maxActive of Tomcat,"
                  + " setMaxConnections of H2)";
          case UNAVAILABLE -> "database unavailable, " + states(failure);
          case SETUP ->
              "the database's setup is wrong, "
                  + states(failure)
                  + ", "
                  + firstLine(innermost(failure))
                  + " (expected: the tables, privileges, user and pooler that the library needs)";
          case CONTENTION -> "conflict with another transaction, " + states(failure);
          case REFUSED, UNKNOWN -> states(failure) + ", " + firstLine(innermost(failure));
        };
    return new StoreException(condition.code(), condition.kind(), doing + ": " + text, failure);
  }

  private static String states(SQLException failure) {
    return "state " + failure.getSQLState();
  }

  /**
   * Translates a failure of a commit. The commit checks the writes of the work, not a statement of
   * the library: constraints checked at commit depend on other rows, which another transaction may
   * change. A refusal therefore does not prove that the same work will fail again.
   *
   * @param failure the driver's failure
   * @return {@code UNKNOWN_RESULT} if the connection broke or the database reports an unknown
   *     result; {@code CONTENTION}, which counts as a failed attempt, for refused data; otherwise
   *     as {@link #translate}
   */
  public static StoreException translateCommit(SQLException failure) {
    if (isResultUnknown(failure)) {
      return resultUnknown(failure);
    }
    SqlCondition condition = SqlCondition.of(failure);
    return exception(
        "commit", condition == SqlCondition.REFUSED ? SqlCondition.UNKNOWN : condition, failure);
  }

  /**
   * Translates a failure of a statement of the library that commits by itself.
   *
   * @param doing name of the operation for the error text, one or two words
   * @param failure the driver's failure
   * @return {@code UNKNOWN_RESULT} if the connection broke or the database reports an unknown
   *     result; otherwise as {@link #translate}
   */
  public static StoreException translateSingle(String doing, SQLException failure) {
    return isResultUnknown(failure) ? resultUnknown(failure) : translate(doing, failure);
  }

  /**
   * Translates a failure which shows, before a commit, that the database has already rolled the
   * transaction back: that of a statement, swallowed by the work, or of a savepoint that no longer
   * exists.
   *
   * @param failure the driver's failure
   * @return {@code COMMS-JDBC-016} of kind {@code CONTENTION}, which counts as a failed attempt; as
   *     {@link #translate} if the connection is lost
   */
  public static StoreException translateRolledBack(SQLException failure) {
    return isConnectionLost(failure)
        ? translate("commit", failure)
        : CommitCheck.rolledBack(failure);
  }

  /**
   * Returns what a transaction runner throws for a failure of its callback, after the rollback: the
   * failure itself, or a report of the lost connection that it shows.
   *
   * @param <X> type of failure the callback may throw
   * @param lostCode code for a lost connection
   * @param failure what the callback threw; an {@code Error} is thrown by this method
   * @return the failure itself; if it is not one of the library and shows a lost connection, {@code
   *     StoreException} with {@code lostCode} of kind {@code TRANSIENT} is thrown instead
   */
  @SuppressWarnings("unchecked")
  public static <X extends Exception> X workFailure(String lostCode, Throwable failure) {
    if (failure instanceof Error error) {
      throw error;
    }
    if (!(failure instanceof StoreException) && isConnectionLost(failure)) {
      throw new StoreException(
          lostCode,
          FailureKind.TRANSIENT,
          "transaction: connection lost, rolled back",
          withoutValues(failure));
    }
    return (X) failure;
  }

  private static boolean isResultUnknown(SQLException failure) {
    return isConnectionLost(failure) || "40003".equals(failure.getSQLState());
  }

  private static StoreException resultUnknown(SQLException failure) {
    return new StoreException(
        "COMMS-JDBC-004",
        FailureKind.UNKNOWN_RESULT,
        "commit: connection lost, result unknown",
        withoutValues(failure));
  }

  /**
   * Returns whether a failure, or a cause of it, reports that the connection is lost or could not
   * be opened.
   *
   * @param failure any failure
   * @return true if the connection can no longer be used
   */
  public static boolean isConnectionLost(@Nullable Throwable failure) {
    Throwable cause = failure;
    for (int depth = 0; cause != null && depth < 20; depth++) {
      if (cause instanceof SQLException sql && SqlCondition.isLost(sql)) {
        return true;
      }
      cause = Failures.cause(cause);
    }
    return false;
  }

  /**
   * Returns whether a failure is a duplicate key.
   *
   * @param failure the driver's failure
   * @return true for state 23505 and its equivalent of MySQL and MariaDB
   */
  public static boolean isDuplicateKey(SQLException failure) {
    return "23505".equals(failure.getSQLState())
        || ("23000".equals(failure.getSQLState()) && failure.getErrorCode() == MYSQL_DUPLICATE_KEY);
  }

  /**
   * Returns whether the wait for a lock timed out.
   *
   * @param failure the driver's failure
   * @return true if the statement did nothing and the transaction may continue; on PostgreSQL it
   *     must be rolled back
   */
  public static boolean isLockTimeout(SQLException failure) {
    return SqlCondition.isLockTimeout(failure);
  }

  /** Returns whether another transaction won, so that this one can be repeated. */
  static boolean isContention(SQLException failure) {
    return SqlCondition.of(failure) == SqlCondition.CONTENTION;
  }

  /** Returns whether a table or its schema does not exist. */
  static boolean isUnknownTable(SQLException failure) {
    String state = String.valueOf(failure.getSQLState());
    return UNKNOWN_TABLE.contains(state)
        || failure.getErrorCode() == H2_SCHEMA_NOT_FOUND
        || (state.equals("42000") && failure.getErrorCode() == MYSQL_NO_DATABASE);
  }

  /** Returns the driver's failure, which a pool reports as the cause of its own. */
  private static SQLException innermost(SQLException failure) {
    SQLException inner = failure;
    for (int depth = 0; depth < 20 && inner.getCause() instanceof SQLException cause; depth++) {
      inner = cause;
    }
    return inner;
  }

  private static String firstLine(SQLException failure) {
    return RedactedFailure.firstLine(String.valueOf(failure.getMessage()));
  }
}
