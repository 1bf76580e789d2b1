package io.commslib.jdbc;

import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Reads the state of a transaction from PostgreSQL's driver, which the server reports with each
 * response. The driver is not a dependency of this module, so reflection calls a public method of a
 * public interface; without that method the state is unknown.
 */
final class PostgresDriver {

  private static final @Nullable Class<?> CONNECTION = connectionType();
  private static final @Nullable Method STATE = stateOf(CONNECTION);

  private PostgresDriver() {}

  private static @Nullable Class<?> connectionType() {
    for (ClassLoader loader :
        new ClassLoader[] {
          PostgresDriver.class.getClassLoader(), Thread.currentThread().getContextClassLoader()
        }) {
      try {
        return Class.forName("org.postgresql.core.BaseConnection", false, loader);
      } catch (ClassNotFoundException | LinkageError e) {
        // Another driver, or a class loader that the library can't reach.
      }
    }
    return null;
  }

  private static @Nullable Method stateOf(@Nullable Class<?> type) {
    try {
      return type == null ? null : type.getMethod("getTransactionState");
    } catch (NoSuchMethodException | LinkageError e) {
      return null;
    }
  }

  /** Returns whether a statement of the transaction has failed; null if unknown. */
  static @Nullable Boolean isAborted(Connection connection) {
    Class<?> type = CONNECTION;
    Method state = STATE;
    if (type == null || state == null) {
      return null;
    }
    try {
      if (!connection.isWrapperFor(type)) {
        return null;
      }
      return String.valueOf(state.invoke(connection.unwrap(type))).equals("FAILED");
    } catch (SQLException | ReflectiveOperationException | RuntimeException | LinkageError e) {
      // A wrapper that does not unwrap.
      return null;
    }
  }
}
