package io.commslib.saga;

import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.outbox.Outbox;
import io.commslib.saga.SagaUserCodeTest.Fault;
import io.commslib.saga.SagaUserCodeTest.FaultCase;
import io.commslib.saga.SagaUserCodeTest.Path;
import io.commslib.saga.SagaUserCodeTest.Place;
import io.commslib.saga.SagaUserCodeTest.UnansweredStep;
import io.commslib.saga.TestSaga.State;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.SQLTransientConnectionException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcConnectionPool;

/**
 * An engine, its participants and the transport of their replies, with one fault in user code. Only
 * the saga {@code bad} meets the fault, and only on the threads of one path.
 */
final class UserCodeFixture implements AutoCloseable {

  static final String BAD = "bad";

  /** Prefix of sagas whose participants do not answer the step that the case names. */
  static final String UNANSWERED = "silent";

  private static final AtomicInteger DATABASES = new AtomicInteger();
  private static final Destination REPLIES = Destination.queue("replies");
  private static final Duration SHORT = Duration.ofMillis(60);

  /** Longer than any test, so that no timeout hides a lost reply. */
  private static final Duration LONG = Duration.ofMinutes(10);

  final List<String> ended = new CopyOnWriteArrayList<>();
  final List<Trouble> troubles = new CopyOnWriteArrayList<>();
  final AtomicInteger hits = new AtomicInteger();
  final SagaEngine engine;
  final SagaDefinition<State> definition;
  final Subscription replies;
  final JdbcTransactionRunner transactions;
  private final FaultCase faultCase;
  private final Fault fault;
  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final CountDownLatch release = new CountDownLatch(1);
  private final TypeRegistry healthyTypes = TestSaga.types();
  private final JdbcConnectionPool pool;
  private final InMemoryTransport transport;
  private volatile boolean cured;
  private volatile boolean paused;
  private volatile String badId = "";

  UserCodeFixture(FaultCase faultCase, Fault fault) {
    this.faultCase = faultCase;
    this.fault = fault;
    CommsObserver observer = new FaultyObserver();
    this.pool =
        JdbcConnectionPool.create(
            "jdbc:h2:mem:saga-user-code-" + DATABASES.incrementAndGet() + ";DB_CLOSE_DELAY=-1",
            "",
            "");
    pool.setMaxConnections(20);
    JdbcDatabase database = JdbcDatabase.builder(faulty(pool)).schema("s").build();
    SagaSchema.scripts().apply(database);
    this.transactions = JdbcTransactionRunner.create(database);
    this.definition = definition();
    this.engine =
        SagaEngine.builder(
                database,
                TestSaga.types(new FaultyCodec(Place.EVENT_ENCODE, Place.EVENT_DECODE)),
                new FaultyCodec(Place.STATE_ENCODE, Place.STATE_DECODE))
            .outbox(new FaultyOutbox(database.id()))
            .define(definition)
            .config(
                SagaConfig.builder()
                    .pollInterval(
                        Duration.ofMillis(faultCase.unanswered() == UnansweredStep.NONE ? 200 : 20))
                    .lease(Duration.ofSeconds(1))
                    .build())
            .observer(observer)
            .runtime(runtime)
            .build();
    this.transport =
        InMemoryTransport.builder().source("test").runtime(runtime).observer(observer).build();
    transport.declare(DestinationConfig.builder(REPLIES).group("main").build());
    this.replies =
        transport
            .subscriber()
            .subscribe(
                SubscriptionConfig.builder(REPLIES)
                    .workers(4)
                    .withoutDeadLetterBreaker()
                    .handlerDeadline(fault == Fault.HANGS ? Duration.ofMillis(200) : LONG)
                    .retry(
                        RetrySchedule.builder()
                            .attemptsAtOnce(100)
                            .backoff(
                                Backoff.exponential(Duration.ofMillis(2), Duration.ofMillis(100)))
                            .withoutDelays()
                            .build())
                    .transactional(transactions)
                    .build(),
                engine.replies());
  }

  private SagaDefinition<State> definition() {
    return SagaDefinition.builder("order", 1, State.class)
        .key(s -> hit(Place.KEY, s.order()) ? null : s.order())
        .step("check")
        .readOnly()
        .command(TestSaga.POST, s -> commandOrNull(Place.COMMAND, s, new TestSaga.Send(s.order())))
        .onReply(TestSaga.Sent.class, (s, r) -> stateOrNull(Place.ON_REPLY, s, "seen"))
        .timeout(faultCase.unanswered() == UnansweredStep.CHECK ? SHORT : LONG)
        .attempts(2)
        .step("hold")
        .command(TestSaga.STOCK, s -> commandOrNull(Place.COMMAND, s, new TestSaga.Hold(s.order())))
        .onReply(TestSaga.Held.class, (s, r) -> stateOrNull(Place.ON_REPLY, s, "held"))
        .compensate(
            TestSaga.STOCK, s -> commandOrNull(Place.COMPENSATE, s, new TestSaga.Unhold(s.order())))
        .compensatedBy(
            TestSaga.Unheld.class, (s, r) -> stateOrNull(Place.COMPENSATED_BY, s, "unheld"))
        .timeout(faultCase.unanswered() == UnansweredStep.HOLD ? SHORT : LONG)
        .attempts(2)
        .step("pay")
        .command(TestSaga.BANK, s -> commandOrNull(Place.COMMAND, s, new TestSaga.Pay(s.order())))
        .onReply(TestSaga.Paid.class, (s, r) -> stateOrNull(Place.ON_REPLY, s, "paid"))
        .refusedBy(TestSaga.Declined.class, (s, r) -> stateOrNull(Place.REFUSED_BY, s, "declined"))
        .timeout(faultCase.unanswered() == UnansweredStep.PAY ? SHORT : LONG)
        .attempts(2)
        .onCompleted((s, tx) -> end(Place.ON_COMPLETED, s, tx))
        .onCompensated((s, tx) -> end(Place.ON_COMPENSATED, s, tx))
        .build();
  }

  private Object commandOrNull(Place place, State state, Object command) {
    return hit(place, state.order()) ? null : command;
  }

  private State stateOrNull(Place place, State state, String word) {
    return hit(place, state.order()) ? null : state.then(word);
  }

  private void end(Place place, State state, TransactionContext tx) {
    hit(place, state.order());
    tx.afterCommit(() -> ended.add(state.order()));
  }

  /** Triggers the fault of the case for the bad saga; returns true if the code must return null. */
  private boolean hit(Place place, String order) {
    boolean isOn = !cured && !paused;
    if (place != faultCase.place()
        || !isOn
        || !order.equals(BAD)
        || Path.current() != faultCase.path()) {
      return false;
    }
    int hit = hits.incrementAndGet();
    switch (fault) {
      case ERROR_ONCE -> {
        if (hit == 1) {
          throw new NoClassDefFoundError("planted");
        }
      }
      case ERROR_UNTIL_CURED -> throw new AssertionError("planted");
      case UNDECLARED_EXCEPTION_ONCE -> {
        if (hit == 1) {
          UserCodeFixture.<RuntimeException>undeclared(new IOException("planted"));
        }
      }
      case MEMORY_ERROR_ONCE -> {
        if (hit == 1) {
          throw new OutOfMemoryError("planted");
        }
      }
      case HANGS -> hang();
      case INTERRUPTS -> Thread.currentThread().interrupt();
      case INTERRUPTS_AND_FAILS -> {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("planted");
      }
      case NULL -> {
        return true;
      }
    }
    return false;
  }

  /** Throws like code in Kotlin or Scala, which declares no exceptions. */
  @SuppressWarnings("unchecked")
  private static <T extends Throwable> void undeclared(Throwable failure) throws T {
    throw (T) failure;
  }

  private void hang() {
    while (true) {
      try {
        if (release.await(60, TimeUnit.SECONDS)) {
          return;
        }
      } catch (InterruptedException e) {
        // Code that hangs may ignore the interrupt.
        continue;
      }
    }
  }

  void cure() {
    cured = true;
    release.countDown();
  }

  /** Disables the fault until {@link #resume}. */
  void pause() {
    paused = true;
  }

  void resume() {
    paused = false;
  }

  String begin(String order) {
    return transactions.run(
        tx -> {
          String id = engine.start(tx, definition, order, new State(order, ""));
          if (order.equals(BAD)) {
            badId = id;
          }
          return id;
        });
  }

  void await(String what, BooleanSupplier condition) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > end) {
        throw new AssertionError(
            what + ", hits " + hits + ", " + engine.list(SagaStatus.RUNNING, 10) + troubles);
      }
      LockSupport.parkNanos(20_000_000);
    }
  }

  SagaStatus status(String order) {
    return engine.find("order", order).orElseThrow().status();
  }

  /** Replies as the participants do. */
  private void answer(Message command) {
    Object asked = healthyTypes.decode(command);
    Object answer = null;
    if (asked instanceof TestSaga.Send send && !isUnanswered(UnansweredStep.CHECK, send.order())) {
      answer = new TestSaga.Sent(send.order());
    } else if (asked instanceof TestSaga.Hold hold
        && !isUnanswered(UnansweredStep.HOLD, hold.order())) {
      answer = new TestSaga.Held(hold.order());
    } else if (asked instanceof TestSaga.Unhold unhold) {
      answer = new TestSaga.Unheld(unhold.order());
    } else if (asked instanceof TestSaga.Pay pay
        && !isUnanswered(UnansweredStep.PAY, pay.order())) {
      answer =
          faultCase.refuses() && pay.order().equals(BAD)
              ? new TestSaga.Declined(pay.order())
              : new TestSaga.Paid(pay.order());
    }
    if (answer != null) {
      transport
          .publisher()
          .publish(
              REPLIES,
              healthyTypes
                  .message(answer)
                  .correlationId(command.correlationId().orElseThrow())
                  .causationId(command.id())
                  .key(command.key().orElseThrow())
                  .build());
    }
  }

  private boolean isUnanswered(UnansweredStep step, String order) {
    return faultCase.unanswered() == step && (order.equals(BAD) || order.startsWith(UNANSWERED));
  }

  @Override
  public void close() {
    cure();
    engine.close();
    transport.close();
    runtime.close();
    try (Connection connection = pool.getConnection();
        Statement shutdown = connection.createStatement()) {
      shutdown.execute("SHUTDOWN");
    } catch (SQLException e) {
      throw new IllegalStateException(e);
    } finally {
      pool.dispose();
    }
  }

  private final class FaultyCodec implements Codec {
    private final Codec healthy = JacksonCodec.create();
    private final Place encoding;
    private final Place decoding;

    FaultyCodec(Place encoding, Place decoding) {
      this.encoding = encoding;
      this.decoding = decoding;
    }

    private static String order(Object value) {
      String text = value.toString();
      return text.contains("order=" + BAD + "]") || text.contains("order=" + BAD + ",") ? BAD : "";
    }

    @Override
    public String contentType() {
      return healthy.contentType();
    }

    @Override
    public byte[] encode(Object value) {
      return hit(encoding, order(value)) ? null : healthy.encode(value);
    }

    @Override
    public <T> T decode(byte[] bytes, Class<T> type) {
      T value = healthy.decode(bytes, type);
      return hit(decoding, order(value)) ? null : value;
    }
  }

  private final class FaultyOutbox implements Outbox {
    private final DatabaseId database;

    FaultyOutbox(DatabaseId database) {
      this.database = database;
    }

    @Override
    public void publish(TransactionContext tx, Destination to, Message message) {
      hit(Place.OUTBOX, message.key().orElse(""));
      tx.afterCommit(() -> answer(message));
    }

    @Override
    public void publishAll(TransactionContext tx, Destination to, List<Message> messages) {
      messages.forEach(message -> publish(tx, to, message));
    }

    @Override
    public void wake() {}

    @Override
    public DatabaseId database() {
      return database;
    }
  }

  private final class FaultyObserver implements CommsObserver {
    @Override
    public void onTrouble(Trouble trouble) {
      troubles.add(trouble);
      boolean isBad =
          trouble.component().equals("saga") && trouble.message().orElse("").equals(badId);
      hit(Place.OBSERVER, isBad ? BAD : "");
    }
  }

  private DataSource faulty(DataSource healthy) {
    return (DataSource)
        Proxy.newProxyInstance(
            DataSource.class.getClassLoader(),
            new Class<?>[] {DataSource.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("getConnection")) {
                if (Thread.currentThread().isInterrupted()) {
                  throw new SQLTransientConnectionException("interrupted, as pools report it");
                }
                if (hit(Place.DATA_SOURCE, BAD)) {
                  return null;
                }
              }
              try {
                return method.invoke(healthy, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }
}
