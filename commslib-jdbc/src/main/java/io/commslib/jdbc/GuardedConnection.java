package io.commslib.jdbc;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.util.Set;

/**
 * Lets work use a connection but not end its transaction: that is the runner's, and after the
 * deadline nobody's.
 */
final class GuardedConnection {

  private static final Set<String> REFUSED = Set.of("commit", "close", "abort", "setAutoCommit");

  private GuardedConnection() {}

  static Connection of(Connection connection) {
    return (Connection)
        Proxy.newProxyInstance(
            GuardedConnection.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> call(connection, method, arguments));
  }

  private static Object call(Connection connection, Method method, Object[] arguments)
      throws Throwable {
    // Rolling back to a savepoint stays inside the transaction.
    boolean ends =
        REFUSED.contains(method.getName())
            || (method.getName().equals("rollback") && arguments == null);
    if (ends) {
      throw new IllegalStateException(
          "COMMS-JDBC-005: Connection."
              + method.getName()
              + " (expected: the transaction runner ends the transaction)");
    }
    try {
      return method.invoke(connection, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
