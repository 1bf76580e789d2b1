package io.commslib.testkit.faults;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.tx.TransactionRunner;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/**
 * Named places between two steps at which a test ends the process. They wrap the ports that a
 * service is built from (publisher, handler, transactions, inbox, data source), so that production
 * code does not depend on them.
 *
 * <p>Names: {@code publish.before}, {@code publish.confirmed}, {@code handle.before}, {@code
 * handle.returned}, {@code transaction.before-commit}, {@code transaction.committed}, {@code
 * inbox.entered}, {@code jdbc.before-commit}, {@code jdbc.committed}, and those of named SQL
 * statements; tests add their own with {@link #reached}. Thread-safe.
 */
public final class CrashPoints {

  /** System property that arms one point of a child process: {@code NAME} or {@code NAME@COUNT}. */
  public static final String PROPERTY = "commslib.crash";

  /** Exit status of a process that died at a crash point, as after SIGKILL. */
  public static final int EXIT_STATUS = 137;

  private final @Nullable String armed;
  private final int countdown;
  private final Runnable crash;
  private final Map<String, AtomicInteger> reached = new ConcurrentHashMap<>();

  private CrashPoints(@Nullable String armed, int countdown, Runnable crash) {
    this.armed = armed;
    this.countdown = countdown;
    this.crash = crash;
  }

  /**
   * Returns crash points that only count.
   *
   * @return crash points without an armed one
   */
  public static CrashPoints none() {
    return new CrashPoints(null, 0, () -> {});
  }

  /**
   * Returns crash points of which one halts this JVM: no shutdown hook runs, nothing is flushed.
   *
   * @param name the point
   * @param count the number of the pass at which it crashes, 1 or more
   * @return armed points
   */
  public static CrashPoints halting(String name, int count) {
    return armed(name, count, () -> Runtime.getRuntime().halt(EXIT_STATUS));
  }

  /**
   * Returns crash points of which one throws {@link CrashError}, for tests within one JVM.
   *
   * @param name the point
   * @param count the number of the pass at which it crashes, 1 or more
   * @return armed points
   */
  public static CrashPoints throwing(String name, int count) {
    return armed(
        name,
        count,
        () -> {
          throw new CrashError(name);
        });
  }

  /**
   * Returns the crash points that the system property {@value #PROPERTY} names: halting ones, or
   * none without it.
   *
   * @return the points of this process
   * @throws IllegalArgumentException if the property is neither {@code NAME} nor {@code NAME@COUNT}
   */
  public static CrashPoints fromProperty() {
    String value = System.getProperty(PROPERTY);
    if (value == null) {
      return none();
    }
    Checks.check(
        value.matches("[a-z0-9.-]+(@[1-9][0-9]{0,8})?"), PROPERTY, value, "NAME or NAME@COUNT");
    int at = value.indexOf('@');
    return at < 0
        ? halting(value, 1)
        : halting(value.substring(0, at), Integer.parseInt(value.substring(at + 1)));
  }

  private static CrashPoints armed(String name, int count, Runnable crash) {
    Objects.requireNonNull(name, "name");
    Checks.inRange("count", count, 1, Integer.MAX_VALUE);
    return new CrashPoints(name, count, crash);
  }

  /**
   * Passes a point; crashes if it is the armed one and this is the armed pass.
   *
   * @param name the point
   * @throws CrashError if it crashes by throwing
   */
  public void reached(String name) {
    int times = reached.computeIfAbsent(name, point -> new AtomicInteger()).incrementAndGet();
    if (name.equals(armed) && times == countdown) {
      crash.run();
    }
  }

  /**
   * Returns the number of passes of a point.
   *
   * @param name the point
   * @return 0 or more
   */
  public int count(String name) {
    AtomicInteger times = reached.get(name);
    return times == null ? 0 : times.get();
  }

  /**
   * Wraps a publisher with {@code publish.before} and {@code publish.confirmed}; the second is
   * passed before the caller gets the confirmation.
   *
   * @param publisher the real one
   * @return publisher that passes the points
   */
  public Publisher around(Publisher publisher) {
    return (to, message) -> {
      reached("publish.before");
      return publisher
          .publish(to, message)
          .thenApply(
              receipt -> {
                reached("publish.confirmed");
                return receipt;
              });
    };
  }

  /**
   * Wraps a handler with {@code handle.before} and {@code handle.returned}.
   *
   * @param handler the real one
   * @return handler that passes the points
   */
  public MessageHandler around(MessageHandler handler) {
    return handler.wrappedIn(
        delivery -> {
          reached("handle.before");
          var settlement = handler.handle(delivery);
          reached("handle.returned");
          return settlement;
        });
  }

  /**
   * Wraps transactions with {@code transaction.before-commit} and {@code transaction.committed};
   * the second is passed after a rollback too.
   *
   * @param transactions the real ones
   * @return runner that passes the points
   */
  public TransactionRunner around(TransactionRunner transactions) {
    return new CrashingTransactions(transactions, this);
  }

  /**
   * Wraps an inbox with {@code inbox.entered} after each entry.
   *
   * @param inbox the real one
   * @return inbox that passes the point
   */
  public Inbox around(Inbox inbox) {
    return new CrashingInbox(inbox, this);
  }

  /**
   * Wraps the commits of all connections of a data source with {@code jdbc.before-commit} and
   * {@code jdbc.committed}: of the outbox, the saga engine and handlers alike.
   *
   * @param dataSource the real one
   * @return data source that passes the points
   */
  public DataSource around(DataSource dataSource) {
    return CrashingDataSource.around(dataSource, this, sql -> null);
  }

  /**
   * As {@link #around(DataSource)}, with points around the statements that a test names: {@code
   * NAME.before} and {@code NAME.done} around the execution of the statement {@code NAME}, and
   * {@code NAME.before-commit} and {@code NAME.committed} around the commit of a transaction whose
   * last named statement it is.
   *
   * @param dataSource the real one
   * @param names the name of an SQL text, or null for a statement without points; called once for
   *     each prepared or executed text
   * @return data source that passes the points
   */
  public DataSource around(DataSource dataSource, Function<String, @Nullable String> names) {
    return CrashingDataSource.around(dataSource, this, Objects.requireNonNull(names, "names"));
  }
}
