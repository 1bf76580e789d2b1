package io.commslib.idempotency;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;

/** A data source that can be switched to another source of connections; counts the requests. */
final class SwitchedDataSource {

  /** A source of connections. */
  interface Source {
    Connection get() throws SQLException;
  }

  private final DataSource usual;
  private final AtomicInteger asked = new AtomicInteger();
  private volatile Source source;

  SwitchedDataSource(DataSource usual) {
    this.usual = usual;
    this.source = usual::getConnection;
  }

  /** Switches to another source. */
  void use(Source other) {
    source = other;
  }

  void useUsual() {
    source = usual::getConnection;
  }

  /** Returns the number of requested connections. */
  int asked() {
    return asked.get();
  }

  DataSource asDataSource() {
    return (DataSource)
        Proxy.newProxyInstance(
            DataSource.class.getClassLoader(),
            new Class<?>[] {DataSource.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("getConnection")) {
                asked.incrementAndGet();
                return source.get();
              }
              try {
                return method.invoke(usual, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
