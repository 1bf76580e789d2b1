package io.commslib.jdbc;

import java.lang.reflect.Method;
import java.sql.Connection;
import java.sql.SQLException;
import org.jspecify.annotations.Nullable;

/**
 * Reads the state of a transaction from PostgreSQL's driver, which the server reports with each
 * response, and changes the driver's use of prepared statements. The driver is not a dependency of
 * this module, so reflection calls public methods of a public interface; without such a method the
 * state is unknown and nothing is changed.
 */
final class PostgresDriver {

  private static final @Nullable Class<?> CONNECTION = connectionType();
  private static final @Nullable Method STATE = method("getTransactionState");
  private static final @Nullable Method THRESHOLD = method("getPrepareThreshold");
  private static final @Nullable Method SET_THRESHOLD = method("setPrepareThreshold", int.class);

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

  private static @Nullable Method method(String name, Class<?>... parameters) {
    try {
      return CONNECTION == null ? null : CONNECTION.getMethod(name, parameters);
    } catch (NoSuchMethodException | LinkageError e) {
      return null;
    }
  }

  /** Returns whether a statement of the transaction has failed; null if unknown. */
  static @Nullable Boolean isAborted(Connection connection) {
    String state = state(connection);
    return state == null ? null : state.equals("FAILED");
  }

  /** Returns whether a transaction is open; false if unknown. */
  static boolean isInTransaction(Connection connection) {
    String state = state(connection);
    return state != null && !state.equals("IDLE");
  }

  /** Returns the state of the transaction; null if unknown. */
  private static @Nullable String state(Connection connection) {
    return STATE == null ? null : text(call(STATE, connection));
  }

  private static @Nullable String text(@Nullable Object value) {
    return value == null ? null : value.toString();
  }

  /**
   * Makes the driver send no more names of prepared statements on this connection, and forget those
   * that it has sent. Returns false if that was so before, or the driver can't be reached.
   */
  static boolean stopNaming(Connection connection) {
    if (THRESHOLD == null
        || SET_THRESHOLD == null
        || !(call(THRESHOLD, connection) instanceof Integer threshold)
        || threshold == 0) {
      return false;
    }
    call(SET_THRESHOLD, connection, 0);
    return true;
  }

  /** Returns the result of a call of the driver; null if it can't be reached. */
  private static @Nullable Object call(Method method, Connection connection, Object... arguments) {
    Class<?> type = CONNECTION;
    if (type == null) {
      return null;
    }
    try {
      return connection.isWrapperFor(type)
          ? method.invoke(connection.unwrap(type), arguments)
          : null;
    } catch (SQLException | ReflectiveOperationException | RuntimeException | LinkageError e) {
      // A wrapper that does not unwrap.
      return null;
    }
  }
}
