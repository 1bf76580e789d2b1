package io.commslib.testkit;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import javax.sql.DataSource;

/** A data source whose connections pass crash points around each commit. */
final class CrashingDataSource {

  private CrashingDataSource() {}

  static DataSource around(DataSource dataSource, CrashPoints points) {
    return proxy(
        DataSource.class,
        (method, arguments) -> {
          Object result = call(dataSource, method, arguments);
          return result instanceof Connection connection ? around(connection, points) : result;
        });
  }

  private static Connection around(Connection connection, CrashPoints points) {
    return proxy(
        Connection.class,
        (method, arguments) -> {
          boolean commits = method.getName().equals("commit");
          if (commits) {
            points.reached("jdbc.before-commit");
          }
          Object result = call(connection, method, arguments);
          if (commits) {
            points.reached("jdbc.committed");
          }
          return result;
        });
  }

  private interface Call {
    Object run(Method method, Object[] arguments) throws Throwable;
  }

  private static <T> T proxy(Class<T> type, Call call) {
    Object proxy =
        Proxy.newProxyInstance(
            CrashingDataSource.class.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> call.run(method, arguments));
    return type.cast(proxy);
  }

  private static Object call(Object target, Method method, Object[] arguments) throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }
}
