package io.commslib.jdbc;

import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.logging.Logger;
import javax.sql.DataSource;

/** A data source whose connections fail in selected methods, and which records the calls. */
class FaultyDataSource implements DataSource {

  private final DataSource source;
  private final Map<String, SQLException> failures = new HashMap<>();
  private String product;
  final List<String> calls = new ArrayList<>();

  FaultyDataSource(DataSource source) {
    this.source = source;
  }

  FaultyDataSource failing(String method, SQLException failure) {
    failures.put(method, failure);
    return this;
  }

  FaultyDataSource named(String newProduct) {
    this.product = newProduct;
    return this;
  }

  @Override
  public Connection getConnection() throws SQLException {
    fail("getConnection");
    Connection connection = source.getConnection();
    return proxy(Connection.class, connection);
  }

  private void fail(String method) throws SQLException {
    SQLException failure = failures.get(method);
    if (failure != null) {
      throw failure;
    }
  }

  private <T> T proxy(Class<T> type, T target) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> {
              calls.add(method.getName());
              if (method.getName().equals("getDatabaseProductName") && product != null) {
                return product;
              }
              if (!method.getName().equals("close")) {
                fail(method.getName());
              }
              try {
                Object result = method.invoke(target, arguments);
                return result instanceof DatabaseMetaData metaData
                    ? proxy(DatabaseMetaData.class, metaData)
                    : result;
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            }));
  }

  @Override
  public Connection getConnection(String user, String password) throws SQLException {
    return getConnection();
  }

  @Override
  public PrintWriter getLogWriter() throws SQLException {
    return source.getLogWriter();
  }

  @Override
  public void setLogWriter(PrintWriter out) throws SQLException {
    source.setLogWriter(out);
  }

  @Override
  public void setLoginTimeout(int seconds) throws SQLException {
    source.setLoginTimeout(seconds);
  }

  @Override
  public int getLoginTimeout() throws SQLException {
    return source.getLoginTimeout();
  }

  @Override
  public Logger getParentLogger() {
    return Logger.getGlobal();
  }

  @Override
  public <T> T unwrap(Class<T> type) throws SQLException {
    throw new SQLException("nothing to unwrap");
  }

  @Override
  public boolean isWrapperFor(Class<?> type) {
    return false;
  }
}
