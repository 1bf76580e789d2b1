package io.commslib.testkit.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.inmemory.InMemoryTransaction;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.testkit.Await;
import java.io.IOException;
import java.lang.reflect.Proxy;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;

class CrashPointsTest {

  @Test
  void throwsAtTheChosenCountOnly() {
    CrashPoints points = CrashPoints.throwing("between", 3);
    points.reached("between");
    points.reached("elsewhere");
    points.reached("between");
    assertThatThrownBy(() -> points.reached("between"))
        .isInstanceOf(CrashError.class)
        .hasMessageContaining("between");
    points.reached("between");
    assertThat(points.count("between")).isEqualTo(4);
    assertThat(points.count("never")).isZero();
  }

  @Test
  void haltsTheProcessWithTheStatusOfAKill() throws IOException, InterruptedException {
    assertThat(exitStatus("step@2")).isEqualTo(CrashPoints.EXIT_STATUS);
    assertThat(exitStatus("step@5")).isZero();
  }

  /** What the child process runs: reaches the point three times. */
  public static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      CrashPoints points = CrashPoints.fromProperty();
      for (int i = 0; i < 3; i++) {
        points.reached("step");
      }
    }
  }

  private static int exitStatus(String armed) throws IOException, InterruptedException {
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx64m",
                "-D" + CrashPoints.PROPERTY + "=" + armed,
                "-cp",
                System.getProperty("java.class.path"),
                Child.class.getName())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return child.exitValue();
  }

  @Test
  void refusesAPropertyThatNamesNoPoint() {
    System.setProperty(CrashPoints.PROPERTY, "step@zero");
    try {
      assertThatThrownBy(CrashPoints::fromProperty)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("step@zero");
    } finally {
      System.clearProperty(CrashPoints.PROPERTY);
    }
  }

  @Test
  void aCrashAfterTheConfirmationLeavesTheMessagePublished() {
    CrashPoints points = CrashPoints.throwing("publish.confirmed", 1);
    try (InMemoryTransport transport = InMemoryTransport.create()) {
      Destination queue = Destination.queue("q");
      transport.declare(DestinationConfig.builder(queue).build());
      Publisher publisher = points.around(transport.publisher());
      Message message = Message.builder("t").id("m1").build();
      assertThatThrownBy(() -> publisher.publish(queue, message).toCompletableFuture().join())
          .hasCauseInstanceOf(CrashError.class);
      AtomicInteger handled = new AtomicInteger();
      MessageHandler counting =
          delivery -> {
            handled.incrementAndGet();
            return Settlement.done();
          };
      transport
          .subscriber()
          .subscribe(SubscriptionConfig.builder(queue).build(), points.around(counting));
      Await.until("m1 handled", Duration.ofSeconds(20), () -> handled.get() == 1);
      Await.until(
          "both points passed", Duration.ofSeconds(20), () -> points.count("handle.returned") == 1);
      assertThat(points.count("handle.before")).isEqualTo(1);
    }
  }

  @Test
  void transactionsPassAPointBeforeAndAfterTheCommit() throws Exception {
    List<String> effects = new ArrayList<>();
    TransactionRunner real = InMemoryTransactionRunner.create();
    Inbox inbox = new InboxInMemory(real.database());
    CrashPoints before = CrashPoints.throwing("transaction.before-commit", 1);
    Message message = Message.builder("t").id("m1").build();
    assertThatThrownBy(
            () -> before.around(real).run(tx -> before.around(inbox).enter(tx, "c", message)))
        .isInstanceOf(CrashError.class);
    CrashPoints after = CrashPoints.throwing("transaction.committed", 1);
    assertThatThrownBy(
            () ->
                after
                    .around(real)
                    .run(
                        tx -> {
                          tx.afterCommit(() -> effects.add("committed"));
                          return after.around(inbox).enter(tx, "c", message);
                        }))
        .isInstanceOf(CrashError.class);
    assertThat(effects).containsExactly("committed");
    assertThat(before.count("inbox.entered")).isEqualTo(1);
    boolean enteredAgain = real.run(tx -> inbox.enter(tx, "c", message));
    assertThat(enteredAgain).isFalse();
  }

  @Test
  void connectionsPassAPointBeforeAndAfterTheCommit() throws SQLException {
    List<String> calls = new ArrayList<>();
    Connection connection =
        (Connection)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {Connection.class},
                (self, method, arguments) -> {
                  calls.add(method.getName());
                  if (method.getName().equals("rollback")) {
                    throw new SQLException("link is down");
                  }
                  return null;
                });
    DataSource dataSource =
        (DataSource)
            Proxy.newProxyInstance(
                getClass().getClassLoader(),
                new Class<?>[] {DataSource.class},
                (self, method, arguments) -> connection);
    CrashPoints points = CrashPoints.throwing("jdbc.before-commit", 2);
    Connection crashing = points.around(dataSource).getConnection();
    crashing.commit();
    assertThat(points.count("jdbc.committed")).isEqualTo(1);
    assertThatThrownBy(crashing::commit).isInstanceOf(CrashError.class);
    assertThat(calls).containsExactly("commit");
    assertThatThrownBy(crashing::rollback).isInstanceOf(SQLException.class);
  }

  @Test
  void namedStatementsAndTheirCommitsPassPoints() throws SQLException {
    CrashPoints points = CrashPoints.throwing("park.before-commit", 2);
    DataSource crashing =
        points.around(
            stub(DataSource.class),
            sql -> sql.startsWith("INSERT") ? "park" : sql.startsWith("DELETE") ? "ack" : null);
    try (Connection connection = crashing.getConnection();
        PreparedStatement insert = connection.prepareStatement("INSERT INTO parked")) {
      connection.createStatement().execute("DELETE FROM message");
      insert.executeUpdate();
      connection.prepareStatement("SELECT 1").executeQuery();
      connection.commit();
      assertThat(points.count("ack.done")).isEqualTo(1);
      assertThat(points.count("park.before")).isEqualTo(1);
      assertThat(points.count("park.done")).isEqualTo(1);
      assertThat(points.count("park.committed")).isEqualTo(1);
      assertThat(points.count("ack.committed")).isZero();
      insert.executeUpdate();
      connection.rollback();
      connection.commit();
      assertThat(points.count("park.committed")).as("nothing named since").isEqualTo(1);
      insert.executeUpdate();
      assertThatThrownBy(connection::commit).isInstanceOf(CrashError.class);
    }
  }

  /** Answers everything with another stub, zero or nothing. */
  private static <T> T stub(Class<T> type) {
    return type.cast(
        Proxy.newProxyInstance(
            CrashPointsTest.class.getClassLoader(),
            new Class<?>[] {type},
            (self, method, arguments) -> {
              Class<?> returns = method.getReturnType();
              if (returns.isInterface()) {
                return stub(returns);
              }
              return returns == int.class ? (Object) 0 : returns == boolean.class ? false : null;
            }));
  }

  /** An inbox whose entries go with a rollback. */
  private record InboxInMemory(DatabaseId database, Set<String> entries) implements Inbox {

    InboxInMemory(DatabaseId database) {
      this(database, ConcurrentHashMap.newKeySet());
    }

    @Override
    public boolean enter(TransactionContext tx, String consumer, Message message) {
      String entry = consumer + '\n' + message.inboxKey();
      if (!entries.add(entry)) {
        return false;
      }
      tx.unwrap(InMemoryTransaction.class).onRollback(() -> entries.remove(entry));
      return true;
    }

    @Override
    public Duration retention() {
      return Duration.ofDays(1);
    }

    @Override
    public long purge() {
      return 0;
    }
  }
}
