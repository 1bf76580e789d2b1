package io.commslib.spring;

import java.io.PrintWriter;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.LinkedBlockingDeque;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.logging.Logger;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * A pool that does not reset returned connections. It records the differences of every returned
 * connection, and the library's classes that used one.
 */
final class RecordingPool implements DataSource, AutoCloseable {

  /** Opens connections in the state in which this pool supplies them. */
  interface Opener {
    Connection open() throws SQLException;
  }

  private static final class Slot {
    @Nullable Connection connection;
    String id = "";
  }

  private final Opener opener;
  private final SessionState database;
  private final Connection observer;
  private final LinkedBlockingDeque<Slot> free = new LinkedBlockingDeque<>();
  private final List<Slot> all = new ArrayList<>();
  private final Map<String, Throwable> failures = new ConcurrentHashMap<>();
  private final Set<String> users = ConcurrentHashMap.newKeySet();
  private final List<String> differences = new CopyOnWriteArrayList<>();
  private final AtomicInteger destroyed = new AtomicInteger();
  private final AtomicInteger lent = new AtomicInteger();

  RecordingPool(int size, SessionState database, Opener opener, Opener observers)
      throws SQLException {
    this.database = database;
    this.opener = opener;
    this.observer = observers.open();
    for (int i = 0; i < size; i++) {
      all.add(new Slot());
    }
    free.addAll(all);
  }

  /** Returns the differences of returned connections. */
  List<String> differences() {
    return differences;
  }

  /** Returns the library's classes that have called a connection of this pool. */
  Set<String> users() {
    return users;
  }

  /** Returns the number of connections that their borrowers have destroyed. */
  int destroyed() {
    return destroyed.get();
  }

  /** Returns the number of borrowed connections. */
  int lent() {
    return lent.get();
  }

  /**
   * Lets the next call of a method fail; {@code close} and {@code abort} take effect before they
   * fail.
   */
  void failNext(String method, Throwable failure) {
    failures.put(method, failure);
  }

  void failNothing() {
    failures.clear();
  }

  /** Some statements on a connection. */
  interface Work {
    void run(Connection connection) throws SQLException;
  }

  /** Runs statements on each connection without recording them. */
  void inEach(Work work) throws SQLException {
    for (Slot slot : all) {
      if (slot.connection != null) {
        work.run(slot.connection);
      }
    }
  }

  /** Ends the sessions of all connections, at the server where there is one. */
  void breakAll() throws SQLException {
    for (Slot slot : all) {
      if (slot.connection != null) {
        synchronized (observer) {
          database.kill(observer, slot.id, slot.connection);
        }
      }
    }
  }

  /** Closes idle connections, so that the next borrower gets a new one. */
  void closeIdle() throws SQLException {
    for (Slot slot : free) {
      if (slot.connection != null) {
        slot.connection.close();
      }
    }
  }

  @Override
  public Connection getConnection() throws SQLException {
    fail("getConnection");
    Slot slot;
    try {
      slot = free.pollFirst(10, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SQLTransientConnectionException("interrupted", e);
    }
    if (slot == null) {
      throw new SQLTransientConnectionException("no connection is free");
    }
    try {
      if (slot.connection == null || slot.connection.isClosed()) {
        slot.connection = opener.open();
        slot.id = database.id(slot.connection);
        if (!slot.connection.getAutoCommit()) {
          slot.connection.rollback();
        }
      }
      lent.incrementAndGet();
      return lend(slot, slot.connection, state(slot, slot.connection));
    } catch (SQLException e) {
      free.addFirst(slot);
      throw e;
    }
  }

  private Map<String, String> state(Slot slot, Connection connection) throws SQLException {
    synchronized (observer) {
      return database.read(connection, slot.id, observer);
    }
  }

  private Connection lend(Slot slot, Connection connection, Map<String, String> before) {
    AtomicBoolean given = new AtomicBoolean();
    return (Connection)
        Proxy.newProxyInstance(
            RecordingPool.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              switch (method.getName()) {
                case "isClosed":
                  return given.get() || connection.isClosed();
                case "equals":
                  return proxy == arguments[0];
                case "hashCode":
                  return System.identityHashCode(proxy);
                case "toString":
                  return "connection " + slot.id;
                default:
              }
              if (given.get() && !method.getName().equals("close")) {
                throw new SQLException("this connection was given back", "08003");
              }
              note();
              if (method.getName().equals("close")) {
                if (given.compareAndSet(false, true)) {
                  takeBack(slot, connection, before);
                }
                fail("close");
                return null;
              }
              if (method.getName().equals("abort")) {
                // Pools do the same; some drivers do not support abort.
                connection.close();
                destroyed.incrementAndGet();
                fail("abort");
                return null;
              }
              fail(method.getName());
              return call(connection, method, arguments);
            });
  }

  private static @Nullable Object call(Object target, Method method, Object @Nullable [] arguments)
      throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private void takeBack(Slot slot, Connection connection, Map<String, String> before)
      throws SQLException {
    boolean interrupted = Thread.interrupted();
    try {
      if (!connection.isClosed()) {
        List<String> different =
            SessionState.differences(before, state(slot, connection)).stream()
                .map(each -> each + ", by " + stack())
                .toList();
        if (stack().stream().noneMatch(ConnectionBorrowers::isExempt)) {
          differences.addAll(different);
        }
        if (!different.isEmpty()) {
          connection.close();
        }
      }
    } catch (SQLException e) {
      // It is broken and must not be supplied again.
      connection.close();
    } finally {
      lent.decrementAndGet();
      free.addFirst(slot);
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  private void fail(String method) throws SQLException {
    Throwable failure = failures.remove(method);
    if (failure instanceof SQLException sql) {
      throw sql;
    }
    if (failure instanceof RuntimeException unchecked) {
      throw unchecked;
    }
    if (failure instanceof Error error) {
      throw error;
    }
  }

  private void note() {
    users.addAll(stack());
  }

  /** Returns the library's classes on the stack; nested classes count as their outer class. */
  private static Set<String> stack() {
    Set<String> classes = ConcurrentHashMap.newKeySet();
    StackWalker.getInstance()
        .forEach(
            frame -> {
              String name = frame.getClassName();
              if (name.startsWith("io.commslib.")) {
                classes.add(name.replaceAll("\\$.*", ""));
              }
            });
    return classes;
  }

  @Override
  public void close() throws SQLException {
    for (Slot slot : all) {
      if (slot.connection != null) {
        slot.connection.close();
      }
    }
    observer.close();
  }

  @Override
  public Connection getConnection(String user, String password) throws SQLException {
    return getConnection();
  }

  @Override
  public @Nullable PrintWriter getLogWriter() {
    return null;
  }

  @Override
  public void setLogWriter(PrintWriter out) {}

  @Override
  public void setLoginTimeout(int seconds) {}

  @Override
  public int getLoginTimeout() {
    return 0;
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
