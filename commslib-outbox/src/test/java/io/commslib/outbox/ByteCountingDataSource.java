package io.commslib.outbox;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.Statement;
import java.util.concurrent.atomic.AtomicLong;
import javax.sql.DataSource;

/** Counts the bytes of bodies that are read while a connection is borrowed. */
final class ByteCountingDataSource {

  private final AtomicLong most = new AtomicLong();
  private final AtomicLong all = new AtomicLong();

  /** The largest number of bytes that were read during one loan of a connection. */
  long most() {
    return most.get();
  }

  /** The number of bytes that were read with all connections. */
  long all() {
    return all.get();
  }

  DataSource over(DataSource source) {
    return wrap(DataSource.class, source, null);
  }

  private <T> T wrap(Class<T> type, Object target, AtomicLong read) {
    InvocationHandler handler =
        (proxy, method, arguments) -> {
          Object result;
          try {
            result = method.invoke(target, arguments);
          } catch (InvocationTargetException e) {
            throw e.getCause();
          }
          if (method.getName().equals("getBytes") && result != null) {
            all.addAndGet(((byte[]) result).length);
            most.accumulateAndGet(read.addAndGet(((byte[]) result).length), Math::max);
          }
          if (result instanceof Connection) {
            return wrap(method.getReturnType(), result, new AtomicLong());
          }
          boolean leads = result instanceof Statement || result instanceof ResultSet;
          return leads ? wrap(method.getReturnType(), result, read) : result;
        };
    return type.cast(
        Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {type}, handler));
  }
}
