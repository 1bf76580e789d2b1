package io.commslib.http.server;

import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import java.sql.SQLException;
import java.sql.SQLRecoverableException;
import java.sql.SQLTransactionRollbackException;
import java.sql.SQLTransientConnectionException;
import java.util.Optional;
import java.util.Set;

/**
 * Classifies failures of JDBC that a handler throws as they are. What goes through {@code
 * commslib-jdbc} is a failure of the library already, which knows each database; this is the part
 * of it that states and classes of the standard decide.
 */
final class DatabaseFailures {

  /** A runtime image can be without JDBC, and then there are no such failures. */
  private static final boolean HAS_JDBC = ModuleLayer.boot().findModule("java.sql").isPresent();

  /** State and vendor code of lost races and lock timeouts whose state is not of class 40. */
  private static final Set<String> CONTENTION =
      Set.of("90131/90131", "HYT00/50200", "HY000/1205", "HY000/1020");

  private DatabaseFailures() {}

  /** {@code CONTENTION}, {@code TRANSIENT}, or empty for every other failure. */
  static Optional<FailureKind> kind(Throwable failure) {
    return HAS_JDBC ? Jdbc.kind(failure) : Optional.empty();
  }

  /** Loaded only if JDBC is there. */
  private static final class Jdbc {

    static Optional<FailureKind> kind(Throwable failure) {
      for (Throwable each : Failures.chain(failure)) {
        if (each instanceof SQLException found) {
          if (isContention(found)) {
            return Optional.of(FailureKind.CONTENTION);
          }
          if (isUnavailable(found)) {
            return Optional.of(FailureKind.TRANSIENT);
          }
        }
      }
      return Optional.empty();
    }

    private static boolean isContention(SQLException failure) {
      String state = state(failure);
      // 40003: whether the statement has taken effect is unknown.
      return !state.equals("40003")
          && (failure instanceof SQLTransactionRollbackException
              || state.startsWith("40")
              || state.equals("55P03")
              || CONTENTION.contains(state + "/" + failure.getErrorCode()));
    }

    private static boolean isUnavailable(SQLException failure) {
      String state = state(failure);
      return failure instanceof SQLTransientConnectionException
          || failure instanceof SQLRecoverableException
          || state.startsWith("08")
          || state.startsWith("57P0")
          || state.equals("53300");
    }

    private static String state(SQLException failure) {
      return String.valueOf(failure.getSQLState());
    }
  }
}
