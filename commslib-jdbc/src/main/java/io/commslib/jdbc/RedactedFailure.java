package io.commslib.jdbc;

import io.commslib.core.CommsException;
import io.commslib.core.Failures;
import java.io.IOException;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import org.jspecify.annotations.Nullable;

/**
 * Removes values from failures. Drivers quote their input: PostgreSQL's driver quotes a whole batch
 * statement with its parameters, and the row in the lines below the first; MariaDB's and H2 quote
 * the value in the first line. Such a failure is replaced by one with the same state, vendor code
 * and stack trace, whose text has no values. Layers over a driver, such as Spring and Hibernate,
 * quote statements and keys in their own texts; of those only the class and the stack trace remain.
 */
final class RedactedFailure {

  private static final int MAX_DEPTH = 20;
  private static final int MAX_TEXT_CHARS = 200;

  private RedactedFailure() {}

  /**
   * Returns the failure itself if it and its causes have no values, otherwise its redacted copy.
   */
  static SQLException of(SQLException failure) {
    boolean quotes = quotesValues(SqlCondition.of(failure));
    return quotes || isVerbose(failure) ? redacted(failure, quotes, 0) : failure;
  }

  /** As {@link #of}, for a failure of a layer over the driver or of the work. */
  static Throwable ofAny(Throwable failure) {
    return ofAny(failure, 0);
  }

  private static Throwable ofAny(Throwable failure, int depth) {
    if (failure instanceof SQLException sql) {
      return of(sql);
    }
    // The library's own texts have no values. The other two decide how the failure is handled.
    if (failure instanceof CommsException
        || failure instanceof VirtualMachineError
        || failure instanceof InterruptedException) {
      return failure;
    }
    Throwable cause = depth < MAX_DEPTH ? Failures.cause(failure) : null;
    return new WithoutText(failure, cause == null ? null : ofAny(cause, depth + 1));
  }

  /** Replaces a failure whose text may quote values. */
  private static final class WithoutText extends RuntimeException {
    private static final long serialVersionUID = 1L;

    WithoutText(Throwable failure, @Nullable Throwable cause) {
      super(failure.getClass().getName() + " (its text is left out: it may quote values)", cause);
      setStackTrace(failure.getStackTrace());
    }

    @Override
    public String toString() {
      return String.valueOf(getMessage());
    }
  }

  /** Only failures caused by data quote data; others name tables, users and hosts. */
  private static boolean quotesValues(SqlCondition condition) {
    return condition == SqlCondition.REFUSED || condition == SqlCondition.UNKNOWN;
  }

  private static boolean isVerbose(SQLException failure) {
    Throwable at = failure;
    for (int depth = 0; at != null && depth < MAX_DEPTH; depth++) {
      if (at.getSuppressed().length > 0 || isVerboseItself(at)) {
        return true;
      }
      at = Failures.cause(at);
    }
    return false;
  }

  /** An {@code IOException} of a driver is about its socket. */
  private static boolean isVerboseItself(Throwable failure) {
    return failure instanceof SQLException sql
        ? sql instanceof BatchUpdateException
            || sql.getNextException() != null
            || text(sql).indexOf('\n') >= 0
        : !(failure instanceof IOException);
  }

  private static SQLException redacted(SQLException failure, boolean quotes, int depth) {
    SQLException inner = inner(failure);
    if (failure instanceof BatchUpdateException && inner != null && depth < MAX_DEPTH) {
      return redacted(inner, quotes, depth + 1);
    }
    String text =
        failure instanceof BatchUpdateException
            ? "a statement of a batch failed"
            : firstLine(text(failure));
    String safeText = quotes ? withoutQuoted(text) : text;
    SQLException bare =
        SqlCondition.isLost(failure)
            ? new SQLNonTransientConnectionException(
                safeText, failure.getSQLState(), failure.getErrorCode())
            : new SQLException(safeText, failure.getSQLState(), failure.getErrorCode());
    bare.setStackTrace(failure.getStackTrace());
    Throwable cause = depth < MAX_DEPTH ? Failures.cause(failure) : null;
    if (cause instanceof SQLException sql) {
      bare.initCause(redacted(sql, quotes, depth + 1));
    } else if (cause != null) {
      bare.initCause(cause instanceof IOException ? cause : ofAny(cause, depth + 1));
    }
    return bare;
  }

  /** Returns the failure of the statement of a batch that failed. */
  private static @Nullable SQLException inner(SQLException failure) {
    if (failure.getNextException() != null) {
      return failure.getNextException();
    }
    return failure.getCause() instanceof SQLException cause ? cause : null;
  }

  private static String text(SQLException failure) {
    return String.valueOf(failure.getMessage());
  }

  static String firstLine(String text) {
    int end = text.indexOf('\n');
    return text.substring(0, Math.min(end < 0 ? text.length() : end, MAX_TEXT_CHARS));
  }

  /** A value may contain quotes, so everything between the first and the last quote is removed. */
  private static String withoutQuoted(String line) {
    int first = line.indexOf('\'');
    if (first < 0) {
      return line;
    }
    int last = line.lastIndexOf('\'');
    return line.substring(0, first) + "'...'" + (last > first ? line.substring(last + 1) : "");
  }
}
