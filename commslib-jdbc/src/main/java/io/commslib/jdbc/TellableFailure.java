package io.commslib.jdbc;

import java.io.IOException;
import java.sql.BatchUpdateException;
import java.sql.SQLException;
import java.sql.SQLNonTransientConnectionException;
import org.jspecify.annotations.Nullable;

/**
 * Drivers quote what they were given: PostgreSQL's the whole statement of a batch with its
 * parameters, and the row in the lines below the first; MariaDB's and H2 the value in the first
 * line. Such a failure is replaced by one with the same state, vendor code and stack trace, whose
 * text holds no value.
 */
final class TellableFailure {

  private static final int MAX_DEPTH = 20;
  private static final int MAX_TEXT_CHARS = 200;

  private TellableFailure() {}

  /** Returns the failure itself if it and its causes can't hold values, else what replaces it. */
  static SQLException of(SQLException failure) {
    boolean quotes = quotesValues(SqlCondition.of(failure));
    return quotes || isVerbose(failure) ? replaced(failure, quotes, 0) : failure;
  }

  /** Only a failure of the data quotes data; others name tables, users and hosts. */
  private static boolean quotesValues(SqlCondition condition) {
    return condition == SqlCondition.REFUSED || condition == SqlCondition.UNKNOWN;
  }

  private static boolean isVerbose(SQLException failure) {
    Throwable at = failure;
    for (int depth = 0; at != null && depth < MAX_DEPTH; depth++) {
      if (at instanceof SQLException sql
          && (sql instanceof BatchUpdateException
              || sql.getNextException() != null
              || text(sql).indexOf('\n') >= 0)) {
        return true;
      }
      at = at.getCause();
    }
    return false;
  }

  private static SQLException replaced(SQLException failure, boolean quotes, int depth) {
    SQLException inner = inner(failure);
    if (failure instanceof BatchUpdateException && inner != null && depth < MAX_DEPTH) {
      return replaced(inner, quotes, depth + 1);
    }
    String text =
        failure instanceof BatchUpdateException
            ? "a statement of a batch failed"
            : firstLine(text(failure));
    String told = quotes ? withoutQuoted(text) : text;
    SQLException bare =
        SqlCondition.isLost(failure)
            ? new SQLNonTransientConnectionException(
                told, failure.getSQLState(), failure.getErrorCode())
            : new SQLException(told, failure.getSQLState(), failure.getErrorCode());
    bare.setStackTrace(failure.getStackTrace());
    if (failure.getCause() instanceof SQLException cause && depth < MAX_DEPTH) {
      bare.initCause(replaced(cause, quotes, depth + 1));
    } else if (failure.getCause() instanceof IOException cause) {
      bare.initCause(cause);
    }
    return bare;
  }

  /** The failure of the one statement of a batch that failed. */
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

  /** A value may hold quotes itself, so all between the first and the last one goes. */
  private static String withoutQuoted(String line) {
    int first = line.indexOf('\'');
    if (first < 0) {
      return line;
    }
    int last = line.lastIndexOf('\'');
    return line.substring(0, first) + "'...'" + (last > first ? line.substring(last + 1) : "");
  }
}
