package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.Health;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.time.CommsRuntime;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.testkit.Await;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Function;
import javax.sql.DataSource;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Plants faults in all code that a relay calls: the transport, the observer, the database's driver,
 * its own threads. No message is lost, other messages continue, and health reports the fault.
 */
class RelayUserCodeTest extends H2Fixture {

  /** Faults of a publisher with one message; each message is parked after two attempts. */
  enum Fault {
    MISSING_CLASS_THROWN(thrown(() -> new NoClassDefFoundError("planted"))),
    STACK_OVERFLOW_THROWN(thrown(() -> new StackOverflowError("planted"))),
    ASSERTION_THROWN(thrown(() -> new AssertionError("planted"))),
    OUT_OF_MEMORY_THROWN(thrown(() -> new OutOfMemoryError("planted"))),
    UNREADABLE_EXCEPTION_THROWN(thrown(Unreadable::new)),
    UNDECLARED_EXCEPTION_THROWN(thrown(() -> new IOException("planted"))),
    STAGE_THAT_THROWS(message -> brokenStage()),
    NULL_STAGE(message -> null),
    NULL_RECEIPT(message -> CompletableFuture.completedFuture(null)),
    MISSING_CLASS_IN_STAGE(failed(() -> new NoClassDefFoundError("planted"))),
    ASSERTION_IN_STAGE(failed(() -> new AssertionError("planted"))),
    OUT_OF_MEMORY_IN_STAGE(failed(() -> new OutOfMemoryError("planted"))),
    INTERRUPT_LEFT_SET(
        message -> {
          Thread.currentThread().interrupt();
          throw new IllegalStateException("planted");
        });

    private final Function<Message, CompletionStage<PublishReceipt>> does;

    Fault(Function<Message, CompletionStage<PublishReceipt>> does) {
      this.does = does;
    }

    private interface Supply {
      Throwable failure();
    }

    private static Function<Message, CompletionStage<PublishReceipt>> thrown(Supply supply) {
      return message -> {
        throw RelayUserCodeTest.<RuntimeException>sneaky(supply.failure());
      };
    }

    @SuppressWarnings("unchecked")
    private static CompletionStage<PublishReceipt> brokenStage() {
      return (CompletionStage<PublishReceipt>)
          Proxy.newProxyInstance(
              Publisher.class.getClassLoader(),
              new Class<?>[] {CompletionStage.class},
              (proxy, method, arguments) -> {
                throw new NoClassDefFoundError("planted");
              });
    }

    private static Function<Message, CompletionStage<PublishReceipt>> failed(Supply supply) {
      return message -> CompletableFuture.failedStage(supply.failure());
    }
  }

  private static final class Unreadable extends RuntimeException {
    private static final long serialVersionUID = 1;

    @Override
    public String getMessage() {
      throw new IllegalStateException("planted");
    }
  }

  @SuppressWarnings("unchecked")
  private static <E extends Throwable> E sneaky(Throwable any) throws E {
    throw (E) any;
  }

  private final AtomicBoolean healed = new AtomicBoolean();

  private MessageTransport with(Publisher publisher) {
    return with(transport, publisher);
  }

  /** A transport with another publisher and publish timeout. */
  static MessageTransport with(MessageTransport transport, Publisher publisher) {
    return proxy(
        MessageTransport.class,
        transport,
        (name, otherwise) ->
            switch (name) {
              case "publisher" -> publisher;
              case "publishTimeout" -> Duration.ofMillis(1);
              default -> otherwise.call();
            });
  }

  private interface Otherwise {
    Object call() throws Throwable;
  }

  private interface Change {
    Object call(String method, Otherwise otherwise) throws Throwable;
  }

  private static <T> T proxy(Class<T> type, T target, Change change) {
    return type.cast(
        Proxy.newProxyInstance(
            type.getClassLoader(),
            new Class<?>[] {type},
            (proxy, method, arguments) ->
                change.call(
                    method.getName(),
                    () -> {
                      try {
                        return method.invoke(target, arguments);
                      } catch (InvocationTargetException e) {
                        throw e.getCause();
                      }
                    })));
  }

  private OutboxRelay start(MessageTransport through, CommsRuntime with) {
    OutboxRelay relay = OutboxRelay.create(outbox, through, with);
    relays.add(relay);
    relay.start();
    return relay;
  }

  private Publisher faulty(Fault fault) {
    return (to, message) ->
        message.id().startsWith("bad") && !healed.get()
            ? fault.does.apply(message)
            : transport.publisher().publish(to, message);
  }

  private void awaitUp(OutboxRelay relay) {
    Await.until("health UP again", () -> relay.health().status() == Health.Status.UP);
  }

  @ParameterizedTest
  @EnumSource(Fault.class)
  void aTransportFaultIsAFailedAttemptOfItsRowOnlyAndParksItInTheEnd(Fault fault) {
    configure(quick().attempts(2));
    OutboxRelay relay = start(with(faulty(fault)), runtime);
    write("bad", "bad");
    for (int i = 0; i < 20; i++) {
      write("m" + i, "k" + i);
    }
    Await.until("others published", () -> transport.confirmed().size() >= 20);
    Await.until("parked", () -> rows("outbox_parked") == 1);
    assertThat(texts("SELECT attempts FROM " + database.table("outbox_parked")))
        .containsExactly("2");
    Await.until("nothing left", () -> rows("outbox_message") == 0);
    write("after", "after");
    Await.until("continues", () -> transport.confirmed().contains("after"));
    awaitUp(relay);
  }

  @ParameterizedTest
  @EnumSource(
      names = {
        "MISSING_CLASS_THROWN",
        "UNDECLARED_EXCEPTION_THROWN",
        "OUT_OF_MEMORY_THROWN",
        "OUT_OF_MEMORY_IN_STAGE",
        "NULL_STAGE",
        "INTERRUPT_LEFT_SET"
      })
  void aFaultThatHappensOnceIsAFailedAttemptAndTheMessageIsPublished(Fault fault) {
    configure(quick().attempts(2));
    AtomicInteger publishes = new AtomicInteger();
    Publisher once =
        (to, message) ->
            message.id().equals("bad") && publishes.incrementAndGet() == 1
                ? fault.does.apply(message)
                : transport.publisher().publish(to, message);
    OutboxRelay relay = start(with(once), runtime);
    write("bad", "bad");
    write("behind", "bad");
    write("other", "k");
    Await.until("all published", () -> transport.confirmed().size() == 3);
    Await.until("nothing left", () -> rows("outbox_message") == 0);
    assertThat(transport.confirmed()).containsSubsequence("bad", "behind");
    assertThat(rows("outbox_parked")).isZero();
    awaitUp(relay);
  }

  @Test
  void anInterruptFlagThatIsLeftSetStopsNothing() {
    Publisher interrupting =
        (to, message) -> {
          CompletionStage<PublishReceipt> sent = transport.publisher().publish(to, message);
          Thread.currentThread().interrupt();
          return sent;
        };
    OutboxRelay relay = start(with(interrupting), runtime);
    for (int i = 0; i < 20; i++) {
      write("m" + i, "k" + i);
    }
    Await.until("published", () -> transport.confirmed().stream().distinct().count() == 20);
    Await.until("nothing left", () -> rows("outbox_message") == 0);
    awaitUp(relay);
    assertThat(rows("outbox_parked")).isZero();
  }

  /** Faults of an observer; a hanging observer is in {@link RelayTroubleTest}. */
  enum ObserverFault {
    ERROR,
    UNDECLARED_EXCEPTION,
    OUT_OF_MEMORY,
    INTERRUPT_LEFT_SET
  }

  @ParameterizedTest
  @EnumSource(ObserverFault.class)
  void aFailingObserverDelaysNoMessage(ObserverFault fault) {
    AtomicInteger calls = new AtomicInteger();
    Set<String> called = ConcurrentHashMap.newKeySet();
    CommsObserver observer =
        proxy(
            CommsObserver.class,
            CommsObserver.none(),
            (name, otherwise) -> {
              called.add(name);
              calls.incrementAndGet();
              switch (fault) {
                case ERROR -> throw new AssertionError("planted");
                case UNDECLARED_EXCEPTION -> throw sneaky(new IOException("planted"));
                case OUT_OF_MEMORY -> throw new OutOfMemoryError("planted");
                case INTERRUPT_LEFT_SET -> Thread.currentThread().interrupt();
              }
              return otherwise.call();
            });
    configure(quick().attempts(2).observer(observer));
    OutboxRelay relay = start(with(faulty(Fault.ASSERTION_THROWN)), runtime);
    write("bad", "bad");
    write("m", "k");
    Await.until("parked", () -> rows("outbox_parked") == 1);
    Await.until("observed", () -> calls.get() >= 2);
    Await.until("published", () -> transport.confirmed().contains("m"));
    awaitUp(relay);
    assertThat(called).isEqualTo(RelayUserCodeTableTest.CALLED_OF_THE_OBSERVER);
  }

  @Test
  void aTransportWithFailingPropertiesIsRejectedByCreate() {
    for (String method : RelayUserCodeTableTest.CALLED_OF_THE_TRANSPORT) {
      MessageTransport throwing =
          proxy(
              MessageTransport.class,
              transport,
              (name, otherwise) -> {
                if (name.equals(method)) {
                  throw new NoClassDefFoundError("planted");
                }
                return otherwise.call();
              });
      MessageTransport nothing =
          proxy(
              MessageTransport.class,
              transport,
              (name, otherwise) -> name.equals(method) ? null : otherwise.call());
      assertThatThrownBy(() -> OutboxRelay.create(outbox, throwing, runtime))
          .as(method)
          .isInstanceOf(NoClassDefFoundError.class);
      // The name is only used in a text.
      if (!method.equals("name")) {
        assertThatThrownBy(() -> OutboxRelay.create(outbox, nothing, runtime))
            .as(method)
            .isInstanceOf(NullPointerException.class);
      }
    }
  }

  @Test
  void aRelayCallsNothingElseOfATransport() {
    Set<String> called = ConcurrentHashMap.newKeySet();
    MessageTransport recording =
        proxy(
            MessageTransport.class,
            transport,
            (name, otherwise) -> {
              called.add(name);
              return otherwise.call();
            });
    write("m", "k");
    start(recording, runtime);
    Await.until("published", () -> transport.confirmed().contains("m"));
    assertThat(called).isEqualTo(RelayUserCodeTableTest.CALLED_OF_THE_TRANSPORT);
  }

  @Test
  void anErrorOfTheJvmPausesTheRelayWhichReportsItAndGivesItsShardsBack() {
    configure(quick().attempts(50));
    OutboxRelay relay = start(with(faulty(Fault.OUT_OF_MEMORY_THROWN)), runtime);
    Await.until("owns all", () -> detail(relay, "ownedShards") == 8);
    write("bad", "bad");
    Await.until(
        "health reports it",
        () ->
            relay.health().status() == Health.Status.DOWN
                && relay.health().reason().contains("OutOfMemoryError"));
    Await.until(
        "shards given back",
        () ->
            number(
                    "SELECT count(*) FROM "
                        + database.table("outbox_shard")
                        + " WHERE owner IS NULL")
                == 8);
    healed.set(true);
    Await.until("published", () -> transport.confirmed().contains("bad"));
    awaitUp(relay);
  }

  @Test
  void aRelayWithAHangingPublishLosesItsShardsAndAnotherPublishes() {
    CountDownLatch release = new CountDownLatch(1);
    Publisher hanging =
        (to, message) -> {
          while (release.getCount() > 0) {
            try {
              release.await(1, TimeUnit.MINUTES);
            } catch (InterruptedException e) {
              continue;
            }
          }
          return transport.publisher().publish(to, message);
        };
    OutboxRelay relay = start(with(hanging), runtime);
    Await.until("owns all", () -> detail(relay, "ownedShards") == 8);
    write("m", "k");
    try {
      Await.until(
          "health reports it",
          () ->
              relay.health().status() == Health.Status.DOWN
                  && relay.health().reason().contains("publishing row"));
      Await.until(
          "unowned",
          () -> relay.measure().unownedShards() == 8 && detail(relay, "ownedShards") == 0);
      assertThat(Long.parseLong(relay.health().details().get("relayPassAgeMillis")))
          .isGreaterThan(1_000);
      startRelay();
      Await.until("another publishes", () -> transport.confirmed().contains("m"));
    } finally {
      release.countDown();
    }
    awaitUp(relay);
  }

  @ParameterizedTest
  @org.junit.jupiter.params.provider.ValueSource(
      strings = {"outbox-relay", "outbox-lease", "outbox-ack"})
  void aThreadThatHasEndedIsNamedAndItsShardsAreUnowned(String role) {
    CommsRuntime cut =
        proxy(
            CommsRuntime.class,
            runtime,
            (name, otherwise) ->
                name.equals("newThread") && otherwise.call() instanceof Thread made
                    ? made.getName().endsWith(role) ? new Thread(() -> {}, made.getName()) : made
                    : otherwise.call());
    OutboxRelay relay = start(transport, cut);
    Await.until(
        "health reports it",
        () ->
            relay.health().status() == Health.Status.DOWN
                && relay.health().reason().contains(role + " has ended"));
    write("m", "k");
    Await.until("unowned", () -> relay.measure().unownedShards() == 8);
    startRelay();
    Await.until("another publishes", () -> transport.confirmed().contains("m"));
  }

  /** Faults of a driver or a pool. */
  enum DriverFault {
    ERROR,
    OUT_OF_MEMORY,
    INTERRUPT_LEFT_SET,
    SQL_FAILURE
  }

  private static boolean isThird(int number) {
    return number % 3 == 0 && number <= 12;
  }

  @ParameterizedTest
  @EnumSource(DriverFault.class)
  void driverFaultsEndNoLoop(DriverFault fault) {
    AtomicInteger every = new AtomicInteger();
    AtomicBoolean on = new AtomicBoolean();
    DataSource source =
        proxy(
            DataSource.class,
            dataSource(),
            (name, otherwise) -> {
              if (name.equals("getConnection") && on.get() && isThird(every.incrementAndGet())) {
                switch (fault) {
                  case ERROR -> throw new NoClassDefFoundError("planted");
                  case OUT_OF_MEMORY -> throw new OutOfMemoryError("planted");
                  case SQL_FAILURE -> throw new SQLException("planted", "08006");
                  case INTERRUPT_LEFT_SET -> {
                    Thread.currentThread().interrupt();
                    throw new SQLException("planted", "08006");
                  }
                }
              }
              return otherwise.call();
            });
    JdbcDatabase same = JdbcDatabase.builder(source).schema(schema).build();
    OutboxRelay relay = OutboxRelay.create(JdbcOutbox.create(same, config), transport, runtime);
    relays.add(relay);
    relay.start();
    on.set(true);
    for (int i = 0; i < 20; i++) {
      write("m" + i, "k" + i);
    }
    Await.until("all published", () -> transport.confirmed().stream().distinct().count() == 20);
    on.set(false);
    Await.until("nothing left", () -> rows("outbox_message") == 0);
    awaitUp(relay);
    assertThat(rows("outbox_parked")).isZero();
  }

  @Test
  void aThrowAfterTheSendIsAFailedAttempt() {
    Publisher twice =
        (to, message) -> {
          CompletableFuture<PublishReceipt> first =
              transport.publisher().publish(to, message).toCompletableFuture();
          throw new IllegalStateException("after it was sent: " + first.isDone());
        };
    configure(quick().attempts(2));
    start(with(twice), runtime);
    write("m", "k");
    Await.until("parked", () -> rows("outbox_parked") == 1);
  }
}
