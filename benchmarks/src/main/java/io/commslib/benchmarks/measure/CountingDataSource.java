package io.commslib.benchmarks.measure;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.Statement;
import java.util.Set;
import java.util.concurrent.atomic.AtomicLong;
import javax.sql.DataSource;

/** Counts the statements sent through a data source; begin and commit do not count. */
public final class CountingDataSource {

  private static final Set<String> EXECUTES =
      Set.of("execute", "executeQuery", "executeUpdate", "executeLargeUpdate");

  private final AtomicLong statements = new AtomicLong();
  private final DataSource counted;

  public CountingDataSource(DataSource source) {
    this.counted = wrap(DataSource.class, source);
  }

  public DataSource dataSource() {
    return counted;
  }

  public long statements() {
    return statements.get();
  }

  private <T> T wrap(Class<T> type, T target) {
    long[] batched = {0};
    return type.cast(
        Proxy.newProxyInstance(
            CountingDataSource.class.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) -> {
              String name = method.getName();
              if (target instanceof Statement) {
                if (EXECUTES.contains(name)) {
                  statements.incrementAndGet();
                } else if (name.equals("addBatch")) {
                  batched[0]++;
                } else if (name.equals("executeBatch")) {
                  statements.addAndGet(batched[0]);
                  batched[0] = 0;
                }
              }
              Object result;
              try {
                result = method.invoke(target, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
              if (result instanceof PreparedStatement statement) {
                return wrap(PreparedStatement.class, statement);
              }
              if (result instanceof Statement statement) {
                return wrap(Statement.class, statement);
              }
              return result instanceof Connection connection && !name.equals("unwrap")
                  ? wrap(Connection.class, connection)
                  : result;
            }));
  }
}
