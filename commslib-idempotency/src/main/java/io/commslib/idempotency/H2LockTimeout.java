package io.commslib.idempotency;

import io.commslib.jdbc.SqlDialect;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** Limits the wait for locks on H2, where the limit belongs to the session, and restores it. */
final class H2LockTimeout {

  /** Work under the limit. */
  @FunctionalInterface
  interface Work<T> {
    T run() throws SQLException;
  }

  /** Restores the limit; a failure of that must not hide a failure of the work. */
  private interface Restore extends AutoCloseable {
    @Override
    void close() throws SQLException;
  }

  private H2LockTimeout() {}

  static <T> T bounded(Connection connection, long millis, Work<T> work) throws SQLException {
    try (Statement session = connection.createStatement()) {
      int usual;
      try (ResultSet answer = session.executeQuery("CALL LOCK_TIMEOUT()")) {
        answer.next();
        usual = answer.getInt(1);
      }
      try (Restore restore = () -> session.execute(SqlDialect.H2.lockTimeout(usual))) {
        session.execute(SqlDialect.H2.lockTimeout(millis));
        return work.run();
      }
    }
  }
}
