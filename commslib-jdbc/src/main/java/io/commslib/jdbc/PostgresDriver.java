package io.commslib.jdbc;

import java.lang.reflect.Method;
import java.sql.Connection;
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
    return STATE == null ? null : text(call(STATE, driver(connection)));
  }

  private static @Nullable String text(@Nullable Object value) {
    return value == null ? null : value.toString();
  }

  /** Returns whether the driver names prepared statements on this connection; true if unknown. */
  static boolean givesNames(Connection connection) {
    return !Integer.valueOf(0).equals(threshold(driver(connection)));
  }

  /**
   * Makes the driver give no more names to prepared statements on this connection. Returns a task
   * that lets it give names as before; null if it gave none, or can't be reached.
   */
  static @Nullable Runnable stopNaming(Connection connection) {
    Object driver = driver(connection);
    Integer threshold = threshold(driver);
    Method set = SET_THRESHOLD;
    if (driver == null || set == null || threshold == null || threshold == 0) {
      return null;
    }
    call(set, driver, 0);
    return () -> call(set, driver, threshold);
  }

  private static @Nullable Integer threshold(@Nullable Object driver) {
    return THRESHOLD != null && call(THRESHOLD, driver) instanceof Integer threshold
        ? threshold
        : null;
  }

  /** Returns the driver's own connection; null if it can't be reached. */
  private static @Nullable Object driver(Connection connection) {
    Class<?> type = CONNECTION;
    try {
      return type != null && connection.isWrapperFor(type) ? connection.unwrap(type) : null;
    } catch (VirtualMachineError e) {
      throw e;
    } catch (Throwable e) {
      // A wrapper that does not unwrap. Whatever it throws, nothing else fails for this question.
      return null;
    }
  }

  /** Returns the result of a call of the driver; null if it fails. */
  private static @Nullable Object call(
      Method method, @Nullable Object driver, Object... arguments) {
    try {
      return driver == null ? null : method.invoke(driver, arguments);
    } catch (ReflectiveOperationException | RuntimeException | LinkageError e) {
      // Another version of the driver.
      return null;
    }
  }
}
