package io.commslib.jdbc;

import com.zaxxer.hikari.HikariDataSource;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.function.Predicate;
import javax.sql.DataSource;

/**
 * A pool that does not reset returned connections. It records the statements executed on them, and
 * commits as statements, and fails the statements that a test selects.
 */
final class NonResettingPool extends FaultyDataSource implements AutoCloseable {

  private final List<Connection> all = new ArrayList<>();
  private final Deque<Connection> free = new ArrayDeque<>();
  private final HikariDataSource like;
  private final boolean autoCommit;
  final List<String> executed = Collections.synchronizedList(new ArrayList<>());
  volatile Predicate<String> failing = sql -> false;

  NonResettingPool(DataSource like, boolean autoCommit) {
    super(like);
    this.like = (HikariDataSource) like;
    this.autoCommit = autoCommit;
  }

  /** Returns all connections, for checks while none is borrowed. */
  List<Connection> connections() {
    return all;
  }

  @Override
  public synchronized Connection getConnection() throws SQLException {
    if (free.isEmpty()) {
      Connection raw =
          DriverManager.getConnection(like.getJdbcUrl(), like.getUsername(), like.getPassword());
      raw.setAutoCommit(autoCommit);
      all.add(raw);
      free.push(raw);
    }
    Connection raw = free.pop();
    return proxy(Connection.class, raw, raw);
  }

  private synchronized void giveBack(Connection raw) {
    free.push(raw);
  }

  private <T> T proxy(Class<T> type, T target, Connection raw) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> {
              String name = method.getName();
              if (type == Connection.class && name.equals("close")) {
                giveBack(raw);
                return null;
              }
              if (name.equals("commit")) {
                note("commit");
              } else if (arguments != null && arguments[0] instanceof String sql) {
                note(sql);
              }
              try {
                Object result = method.invoke(target, arguments);
                return name.equals("createStatement")
                    ? proxy(Statement.class, (Statement) result, raw)
                    : result;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }

  private void note(String sql) throws SQLException {
    executed.add(sql);
    if (failing.test(sql)) {
      throw new SQLException("told to fail", "XX000");
    }
  }

  @Override
  public void close() {
    for (Connection raw : all) {
      try {
        raw.close();
      } catch (SQLException e) {
        throw new AssertionError(e);
      }
    }
  }
}
