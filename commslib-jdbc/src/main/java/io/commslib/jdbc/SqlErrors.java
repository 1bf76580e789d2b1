package io.commslib.jdbc;

import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.StoreException;
import io.commslib.core.WrongSessionException;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** Translates the failures of drivers and pools. For the stores of the library's modules. */
public final class SqlErrors {

  private static final int MYSQL_DUPLICATE_KEY = 1062;
  private static final int MYSQL_NO_DATABASE = 1049;
  private static final int H2_SCHEMA_NOT_FOUND = 90079;

  /** PostgreSQL: table, schema; MySQL: table; H2: table, or others, or an empty database. */
  private static final Set<String> UNKNOWN_TABLE =
      Set.of("42P01", "3F000", "42S02", "42S03", "42S04");

  private static final String WRONG_SESSION = "prepared statement of another session";
  private static final String WITHOUT_NAMES =
      " (expected: prepareThreshold=0 in the JDBC URL, behind a pooler that shares sessions)";

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
   *     unavailable database, a session that a pooler has exchanged ({@link
   *     WrongSessionException}), and for failures that an operator must correct: missing table or
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
          case WRONG_SESSION -> WRONG_SESSION + ", " + states(failure) + WITHOUT_NAMES;
          case CONTENTION -> "conflict with another transaction, " + states(failure);
          case REFUSED, UNKNOWN -> states(failure) + ", " + firstLine(innermost(failure));
        };
    return condition == SqlCondition.WRONG_SESSION
        ? new WrongSessionException(condition.code(), doing + ": " + text, failure)
        : new StoreException(condition.code(), condition.kind(), doing + ": " + text, failure);
  }

  /** Returns the failure of a commit after which the driver's transaction is still open. */
  static StoreException notCommitted() {
    return new WrongSessionException(
        SqlCondition.WRONG_SESSION.code(),
        "commit: " + WRONG_SESSION + ", the transaction is still open" + WITHOUT_NAMES,
        null);
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
   *     {@link #translate} if the connection is lost or a pooler has exchanged the session
   */
  public static StoreException translateRolledBack(SQLException failure) {
    return isConnectionLost(failure)
        ? translate("commit", failure)
        : CommitCheck.rolledBack(failure);
  }

  /**
   * Returns the exception of a transaction runner for a failure of its callback or its commit: the
   * failure itself, or a report of the lost connection or the wrong session that it shows. On
   * PostgreSQL, a failure that only results from an earlier one of the same transaction (state
   * 25P02) shows what the first failure shows.
   *
   * @param <X> type of failure the callback may throw
   * @param lostCode code for a lost connection
   * @param failure what the callback threw; an {@code Error} is thrown by this method
   * @param connection the connection that the callback used, or null; if it is not the guarded one
   *     of a transaction context, earlier failures are unknown
   * @param database the connection's database. It notes a wrong session, and the library then lets
   *     the driver prepare no more statements on the connections that it borrows
   * @return the failure itself, unless {@code StoreException} of kind {@code TRANSIENT} is thrown
   *     instead: with {@code lostCode} if the failure is not one of the library and shows a lost
   *     connection, {@link WrongSessionException} {@code COMMS-JDBC-018} if it shows a wrong
   *     session
   */
  @SuppressWarnings("unchecked")
  public static <X extends Exception> X workFailure(
      String lostCode, Throwable failure, @Nullable Connection connection, JdbcDatabase database) {
    Throwable outcome = workOutcome(lostCode, failure, connection);
    database.sharedSessions().note(outcome);
    if (outcome instanceof Error error) {
      throw error;
    }
    if (outcome != failure && outcome instanceof StoreException reported) {
      throw reported;
    }
    return (X) outcome;
  }

  /** Returns the result of {@link #workFailure}, or the exception that it throws. */
  private static Throwable workOutcome(
      String lostCode, Throwable failure, @Nullable Connection connection) {
    if (failure instanceof Error) {
      return failure;
    }
    SQLException first = isConsequence(failure) ? firstFailure(connection) : null;
    Throwable decisive = first == null ? failure : first;
    if (decisive instanceof StoreException) {
      return failure;
    }
    SQLException wrong = find(decisive, SqlCondition::isWrongSession);
    if (wrong != null) {
      return exception("transaction", SqlCondition.WRONG_SESSION, wrong);
    }
    return isConnectionLost(decisive)
        ? new StoreException(
            lostCode,
            FailureKind.TRANSIENT,
            "transaction: connection lost, rolled back",
            withoutValues(decisive))
        : failure;
  }

  /**
   * Returns the failure that decides about a transaction: what a store has reported, if the failure
   * of the callback only results from it (on PostgreSQL state 25P02).
   *
   * @param failure what the callback threw
   * @param reported what a store has reported to the transaction context, or null
   * @return one of the two
   */
  public static Throwable decisive(Throwable failure, @Nullable RuntimeException reported) {
    return reported != null && isConsequence(failure) ? reported : failure;
  }

  /** Returns whether a failure only results from an earlier one of its transaction. */
  private static boolean isConsequence(Throwable failure) {
    return find(failure, SqlCondition::isConsequence) != null;
  }

  private static @Nullable SQLException firstFailure(@Nullable Connection connection) {
    UnclosableConnection wrapper =
        connection == null ? null : UnclosableConnection.wrapperOf(connection);
    return wrapper == null ? null : wrapper.statementFailures().first();
  }

  /** Returns the first driver's failure in a chain of causes that matches, or null. */
  private static @Nullable SQLException find(Throwable failure, Predicate<SQLException> matching) {
    Throwable cause = failure;
    for (int depth = 0; cause != null && depth < 20; depth++) {
      if (cause instanceof SQLException sql && matching.test(sql)) {
        return sql;
      }
      cause = Failures.cause(cause);
    }
    return null;
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
    return failure != null && find(failure, SqlCondition::isLost) != null;
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
