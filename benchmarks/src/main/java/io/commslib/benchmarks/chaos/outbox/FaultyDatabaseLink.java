package io.commslib.benchmarks.chaos.outbox;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.testkit.Await;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.faults.TcpFaultProxy.Direction;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.sql.DataSource;

/**
 * A connection pool whose connection breaks during some commits: either the commit is lost on its
 * way, or only its answer is lost. For one thread.
 */
final class FaultyDatabaseLink implements AutoCloseable {

  private static final Pattern PORT = Pattern.compile(":(\\d+)/");
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final int CUT_PERCENT = 40;
  private static final long COMMIT_NANOS = 5_000_000;

  private final TcpFaultProxy proxy;
  private final HikariDataSource pool;
  private final Random random;
  private final AtomicLong cuts = new AtomicLong();
  private volatile boolean isCutting;

  FaultyDatabaseLink(ChaosDatabase server, Random random) throws IOException {
    Matcher port = PORT.matcher(server.url());
    if (!port.find()) {
      throw new IllegalArgumentException("no port in " + server.url());
    }
    this.proxy =
        TcpFaultProxy.to(
            new InetSocketAddress(
                InetAddress.getLoopbackAddress(), Integer.parseInt(port.group(1))));
    String url = server.url().replace(port.group(), ":" + proxy.port() + "/");
    this.pool = ChaosDatabase.pool(url, server.user(), 1);
    this.random = random;
  }

  /** Starts cutting commits. */
  void startCutting() {
    isCutting = true;
  }

  /** {@return the number of cut commits} */
  long cuts() {
    return cuts.get();
  }

  DataSource dataSource() {
    return (DataSource)
        Proxy.newProxyInstance(
            FaultyDatabaseLink.class.getClassLoader(),
            new Class<?>[] {DataSource.class},
            (self, method, arguments) -> {
              Object result = call(pool, method, arguments);
              return result instanceof Connection connection ? cutting(connection) : result;
            });
  }

  private Connection cutting(Connection connection) {
    return (Connection)
        Proxy.newProxyInstance(
            FaultyDatabaseLink.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (self, method, arguments) -> {
              if (method.getName().equals("commit")
                  && isCutting
                  && random.nextInt(100) < CUT_PERCENT) {
                cutCommit(connection);
                return null;
              }
              return call(connection, method, arguments);
            });
  }

  private static Object call(Object target, java.lang.reflect.Method method, Object[] arguments)
      throws Throwable {
    try {
      return method.invoke(target, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause();
    }
  }

  private void cutCommit(Connection connection) throws SQLException {
    cuts.incrementAndGet();
    if (random.nextBoolean()) {
      proxy.cutAfter(Direction.TO_SERVER, 1);
      connection.commit();
      return;
    }
    proxy.blackHole(Direction.TO_CLIENT);
    long before = proxy.forwardedBytes(Direction.TO_SERVER);
    Thread cutter = new Thread(() -> cutAfterSending(before), "commslib-chaos-cutter");
    cutter.setDaemon(true);
    cutter.start();
    try {
      connection.commit();
    } finally {
      join(cutter);
    }
  }

  /** Cuts the connection when the commit is sent and the database has had time to execute it. */
  private void cutAfterSending(long before) {
    Await.until("commit sent", LIMIT, () -> proxy.forwardedBytes(Direction.TO_SERVER) > before);
    LockSupport.parkNanos(COMMIT_NANOS);
    proxy.cut();
    proxy.heal();
  }

  private static void join(Thread thread) {
    try {
      thread.join();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void close() {
    pool.close();
    proxy.close();
  }
}
