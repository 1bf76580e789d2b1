package io.commslib.jdbc;

import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * What PostgreSQL's driver knows of a transaction: the state that came with the server's last
 * answer. The driver is no dependency of this module, so it is asked by reflection on a public
 * method of a public interface; where that does not exist the answer is "not known".
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
        // Another driver, or one that the library can't see.
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

  /** Returns whether a statement of the transaction has failed; null if that is not known. */
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
