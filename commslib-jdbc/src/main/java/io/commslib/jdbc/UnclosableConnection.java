package io.commslib.jdbc;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Lets work use a connection but not end its transaction; only the runner may end it. Statements
 * and metadata return the wrapper, not the connection behind it. Once the transaction is over, all
 * of them refuse every call, because the connection may belong to another user. COMMIT in SQL text
 * is not detected. Failures are recorded, because the work may swallow them and continue in a
 * transaction that can't commit.
 */
final class UnclosableConnection implements InvocationHandler {

  private static final Set<String> REFUSED_METHODS =
      Set.of("commit", "close", "abort", "setAutoCommit");

  private final Connection connection;
  private final BooleanSupplier isOver;
  private final StatementFailures statementFailures;

  private UnclosableConnection(
      Connection connection, BooleanSupplier isOver, StatementFailures seen) {
    this.connection = connection;
    this.isOver = isOver;
    this.statementFailures = seen;
  }

  static Connection of(Connection connection, BooleanSupplier isOver, StatementFailures seen) {
    return proxy(Connection.class, new UnclosableConnection(connection, isOver, seen));
  }

  /** Returns the wrapper of a connection, or null if the connection has none. */
  static @Nullable UnclosableConnection wrapperOf(Connection connection) {
    return Proxy.isProxyClass(connection.getClass())
            && Proxy.getInvocationHandler(connection) instanceof UnclosableConnection wrapper
        ? wrapper
        : null;
  }

  /** Returns the connection that is guarded. */
  Connection connection() {
    return connection;
  }

  StatementFailures statementFailures() {
    return statementFailures;
  }

  @Override
  public @Nullable Object invoke(
      Object proxy, Method method, @Nullable Object @Nullable [] arguments) throws Throwable {
    String name = method.getName();
    // A rollback to a savepoint stays inside the transaction.
    if (REFUSED_METHODS.contains(name) || (name.equals("rollback") && arguments == null)) {
      throw new IllegalStateException(
          "COMMS-JDBC-005: Connection."
              + name
              + " (expected: the transaction runner ends the transaction)");
    }
    Object own = identity(proxy, method, arguments);
    if (own != null) {
      return own;
    }
    if (isOver.getAsBoolean()) {
      if (name.equals("isClosed")) {
        return true;
      }
      throw JdbcTransaction.over();
    }
    if (name.equals("unwrap") && arguments != null && arguments[0] == Connection.class) {
      return proxy;
    }
    Object result = call(connection, method, arguments);
    if (name.equals("rollback")) {
      statementFailures.savepointReached();
    }
    return guarded(result, (Connection) proxy);
  }

  private @Nullable Object guarded(@Nullable Object result, Connection wrapper) {
    if (result instanceof CallableStatement statement) {
      return guardedChild(CallableStatement.class, statement, wrapper);
    }
    if (result instanceof PreparedStatement statement) {
      return guardedChild(PreparedStatement.class, statement, wrapper);
    }
    if (result instanceof Statement statement) {
      return guardedChild(Statement.class, statement, wrapper);
    }
    if (result instanceof DatabaseMetaData metaData) {
      return guardedChild(DatabaseMetaData.class, metaData, wrapper);
    }
    return result;
  }

  private <T> T guardedChild(Class<T> type, T target, Connection wrapper) {
    return proxy(
        type,
        (proxy, method, arguments) -> {
          Object own = identity(proxy, method, arguments);
          if (own != null) {
            return own;
          }
          // Closing is always allowed: a statement may be closed late.
          if (isOver.getAsBoolean() && !method.getName().equals("close")) {
            throw JdbcTransaction.over();
          }
          return method.getName().equals("getConnection")
              ? wrapper
              : call(target, method, arguments);
        });
  }

  /** A proxy is equal to itself only, independent of the driver's object. */
  private static @Nullable Object identity(
      Object proxy, Method method, @Nullable Object @Nullable [] arguments) {
    return switch (method.getName()) {
      case "equals" -> arguments != null && proxy == arguments[0];
      case "hashCode" -> System.identityHashCode(proxy);
      default -> null;
    };
  }

  private @Nullable Object call(
      Object target, Method method, @Nullable Object @Nullable [] arguments) throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof SQLException failure) {
        statementFailures.add(failure);
      }
      throw e.getCause() == null ? new SQLException(e) : e.getCause();
    }
  }

  private static <T> T proxy(Class<T> type, InvocationHandler handler) {
    return type.cast(
        Proxy.newProxyInstance(
            UnclosableConnection.class.getClassLoader(), new Class<?>[] {type}, handler));
  }
}
