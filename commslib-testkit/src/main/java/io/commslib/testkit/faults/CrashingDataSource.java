package io.commslib.testkit.faults;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** A data source whose connections pass crash points around commits and named statements. */
final class CrashingDataSource {

  private final CrashPoints points;
  private final Function<String, @Nullable String> names;

  private CrashingDataSource(CrashPoints points, Function<String, @Nullable String> names) {
    this.points = points;
    this.names = names;
  }

  static DataSource around(
      DataSource dataSource, CrashPoints points, Function<String, @Nullable String> names) {
    CrashingDataSource crashing = new CrashingDataSource(points, names);
    return proxy(
        DataSource.class,
        (method, arguments) -> {
          Object result = call(dataSource, method, arguments);
          return result instanceof Connection connection ? crashing.connection(connection) : result;
        });
  }

  private Connection connection(Connection connection) {
    AtomicReference<@Nullable String> inTransaction = new AtomicReference<>();
    return proxy(
        Connection.class,
        (method, arguments) -> {
          if (method.getName().equals("commit")) {
            return commit(connection, method, arguments, inTransaction.getAndSet(null));
          }
          if (method.getName().equals("rollback")) {
            inTransaction.set(null);
          }
          Object result = call(connection, method, arguments);
          return result instanceof Statement statement
              ? statement(statement, sql(arguments), inTransaction)
              : result;
        });
  }

  private @Nullable Object commit(
      Connection connection, Method method, Object @Nullable [] arguments, @Nullable String name)
      throws Throwable {
    points.reached("jdbc.before-commit");
    reached(name, ".before-commit");
    Object result = call(connection, method, arguments);
    points.reached("jdbc.committed");
    reached(name, ".committed");
    return result;
  }

  private Statement statement(
      Statement statement,
      @Nullable String prepared,
      AtomicReference<@Nullable String> inTransaction) {
    Class<? extends Statement> type =
        statement instanceof CallableStatement
            ? CallableStatement.class
            : statement instanceof PreparedStatement ? PreparedStatement.class : Statement.class;
    String preparedName = prepared == null ? null : names.apply(prepared);
    return proxy(
        type,
        (method, arguments) -> {
          if (!method.getName().startsWith("execute")) {
            return call(statement, method, arguments);
          }
          String given = sql(arguments);
          String name = given == null ? preparedName : names.apply(given);
          reached(name, ".before");
          Object result = call(statement, method, arguments);
          if (name != null) {
            inTransaction.set(name);
          }
          reached(name, ".done");
          return result;
        });
  }

  private void reached(@Nullable String name, String place) {
    if (name != null) {
      points.reached(name + place);
    }
  }

  private static @Nullable String sql(Object @Nullable [] arguments) {
    return arguments != null && arguments.length > 0 && arguments[0] instanceof String text
        ? text
        : null;
  }

  private interface Call {
    @Nullable Object run(Method method, Object @Nullable [] arguments) throws Throwable;
  }

  private static <T> T proxy(Class<T> type, Call call) {
    Object proxy =
        Proxy.newProxyInstance(
            CrashingDataSource.class.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> call.run(method, arguments));
    return type.cast(proxy);
  }

  private static @Nullable Object call(Object target, Method method, Object @Nullable [] arguments)
      throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
