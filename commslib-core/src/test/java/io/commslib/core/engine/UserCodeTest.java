package io.commslib.core.engine;

import static io.commslib.core.format.ValueSource.body;
import static io.commslib.core.format.ValueSource.header;
import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.Health;
import io.commslib.core.codec.Codec;
import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.format.BodyReader;
import io.commslib.core.format.ConfluentFormat;
import io.commslib.core.format.PlainFormatBuilder;
import io.commslib.core.inmemory.InMemoryBlockedKeyStore;
import io.commslib.core.inmemory.InMemoryTransaction;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.BatchBounds;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.DatabaseId;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.core.tx.TransactionWork;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import java.util.function.Function;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Plants failures in all user code that the delivery engine calls: it throws an Error once or
 * always, does not return, leaves the interrupt flag set, or returns null. In each case nothing is
 * lost, other keys continue, and health reports the failure while it lasts. {@link
 * UserCodeTableTest} requires a row for each interface that users can implement.
 */
@Timeout(150)
class UserCodeTest {

  private static final String BAD = "bad";
  private static final int OTHERS = 20;

  /** The failure of the user code. */
  enum Fault {
    ERROR_ONCE,
    ERROR_UNTIL_CURED,
    UNDECLARED_EXCEPTION_ONCE,
    MEMORY_ERROR_ONCE,
    HANGS,
    INTERRUPTS,
    NULL
  }

  /** The user code that fails; each calls {@link UserCodeTest#hit} for each message. */
  enum Place {
    HANDLER(MessageHandler.class),
    BATCH_HANDLER(BatchHandler.class),
    EVENT_HANDLER(TypedHandler.EventHandler.class),
    CODEC(Codec.class),
    FORMAT(MessageFormat.class),
    BODY_READER(BodyReader.class),
    SCHEMA_FUNCTION(MessageFormat.class),
    CLASSIFIER(io.commslib.core.messaging.FailureClassifier.class),
    GATE(io.commslib.core.resilience.Gate.class),
    OBSERVER(CommsObserver.class),
    INBOX(io.commslib.core.messaging.Inbox.class),
    BLOCKED_KEY_STORE(io.commslib.core.messaging.BlockedKeyStore.class),
    TRANSACTION_BEGIN(TransactionRunner.class),
    TRANSACTION_COMMIT(TransactionRunner.class),
    DEAD_LETTER_SINK(DeadLetterSink.class),
    DEAD_LETTER_STAGE(DeadLetterSink.class),
    DELAY_STORE(DelayStore.class),
    SETTLER(Settler.class),
    EXCEPTION_OBJECT(Throwable.class);

    final Class<?> type;

    Place(Class<?> type) {
      this.type = type;
    }

    boolean hasReturn() {
      return this != OBSERVER
          && this != SETTLER
          && this != GATE
          && this != BLOCKED_KEY_STORE
          && this != INBOX;
    }
  }

  static Stream<Arguments> cells() {
    List<Arguments> cells = new ArrayList<>();
    for (Place place : Place.values()) {
      for (Fault fault : Fault.values()) {
        if (fault != Fault.NULL || place.hasReturn()) {
          cells.add(Arguments.of(place, fault));
        }
      }
    }
    return cells.stream();
  }

  private final CountDownLatch release = new CountDownLatch(1);
  private final ThreadLocal<String> current = ThreadLocal.withInitial(() -> "");
  private final AtomicInteger hits = new AtomicInteger();
  private final Set<String> done = ConcurrentHashMap.newKeySet();
  private final List<ForeignRecord> deadLetters = new CopyOnWriteArrayList<>();
  private final List<String> settled = new CopyOnWriteArrayList<>();
  private final List<Trouble> troubles = new CopyOnWriteArrayList<>();
  private volatile boolean cured;
  private Place place = Place.HANDLER;
  private Fault fault = Fault.ERROR_ONCE;

  /** Causes the failure for the bad message; true if the caller must return null. */
  private boolean hit(Place where, String id) {
    if (where != place || cured || !id.equals(BAD)) {
      return false;
    }
    int hit = hits.incrementAndGet();
    switch (fault) {
      case ERROR_ONCE -> {
        if (hit == 1) {
          throw new NoClassDefFoundError("planted");
        }
      }
      case UNDECLARED_EXCEPTION_ONCE -> {
        if (hit == 1) {
          UserCodeTest.<RuntimeException>undeclared(new IOException("planted"));
        }
      }
      case ERROR_UNTIL_CURED -> throw new AssertionError("planted");
      case MEMORY_ERROR_ONCE -> {
        if (hit == 1) {
          throw new OutOfMemoryError("planted");
        }
      }
      case HANGS -> hang();
      case INTERRUPTS -> Thread.currentThread().interrupt();
      case NULL -> {
        return true;
      }
    }
    return false;
  }

  /** Throws an undeclared exception, as code in Kotlin or Scala may. */
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
        // Code that hangs may ignore it.
        continue;
      }
    }
  }

  /** An exception whose methods all throw. */
  private final class StrangeException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    @Override
    public String getMessage() {
      return hit(Place.EXCEPTION_OBJECT, BAD) ? null : "planted";
    }

    @Override
    public synchronized @Nullable Throwable getCause() {
      hit(Place.EXCEPTION_OBJECT, BAD);
      return null;
    }

    @Override
    public StackTraceElement[] getStackTrace() {
      return hit(Place.EXCEPTION_OBJECT, BAD) ? null : new StackTraceElement[0];
    }

    @Override
    public String toString() {
      return String.valueOf(getMessage());
    }
  }

  private Settlement handle(Place where, Delivery delivery) {
    String id = delivery.message().id();
    if (hit(where, id)) {
      return null;
    }
    if (id.equals(BAD) && !cured && deadLettersIt()) {
      return Settlement.deadLetter("planted");
    }
    if (id.equals(BAD) && !cured && throwsIt() && delivery.attempt() == 1) {
      throw new StrangeException();
    }
    if (place == Place.DELAY_STORE && id.equals(BAD) && delivery.attempt() == 1) {
      return Settlement.retry(Duration.ofMillis(5));
    }
    done.add(id);
    return Settlement.done();
  }

  private boolean deadLettersIt() {
    return place == Place.DEAD_LETTER_SINK || place == Place.DEAD_LETTER_STAGE;
  }

  private boolean throwsIt() {
    return place == Place.CLASSIFIER || place == Place.EXCEPTION_OBJECT;
  }

  @ParameterizedTest(name = "{0} {1}")
  @MethodSource("cells")
  void nothingIsLostOtherMessagesContinueAndHealthReports(Place newPlace, Fault newFault)
      throws Exception {
    this.place = newPlace;
    this.fault = newFault;
    try (SystemRuntime runtime = SystemRuntime.platformThreads()) {
      DeliveryEngine engine = engine(runtime);
      engine.accept(delivery(BAD, "a"));
      if (newFault == Fault.HANGS) {
        // A transaction has no message: the first one to begin must be that of the bad message.
        await("hit", () -> hits.get() > 0);
      }
      engine.accept(delivery("behind", "a"));
      for (int i = 0; i < OTHERS; i++) {
        engine.accept(delivery("other" + i, "k" + i));
      }
      boolean lasts =
          newFault == Fault.HANGS || newFault == Fault.ERROR_UNTIL_CURED || newFault == Fault.NULL;
      if (!lasts || !stopsOthers()) {
        await("others continue", () -> othersDone());
      }
      if (newFault == Fault.HANGS) {
        await("health reports it", () -> engine.health().status() != Health.Status.UP);
        assertThat(engine.health().reason()).isNotEmpty();
      }
      cured = true;
      release.countDown();
      await("all settled", () -> settled.size() == OTHERS + 2);
      assertThat(settled).doesNotHaveDuplicates();
      SubscriptionSnapshot ledger = engine.snapshot();
      await("ledger balances", () -> engine.snapshot().imbalance() == 0);
      assertThat(ledger.count(Count.DONE) + ledger.count(Count.DEAD_LETTERED))
          .isLessThanOrEqualTo(OTHERS + 2L);
      assertThat(done).contains("behind").containsAll(others());
      assertThat(done.contains(BAD) || !deadLetters.isEmpty()).as("bad is done or kept").isTrue();
      await("up again", () -> engine.health().status() == Health.Status.UP);
      assertThat(engine.snapshot().stuckHandlers()).isZero();
      engine.close();
    }
  }

  /** Whether user code that all messages pass fails: it may delay all of them while it fails. */
  private boolean stopsOthers() {
    return place == Place.GATE
        || (fault == Fault.ERROR_UNTIL_CURED || fault == Fault.NULL)
            && (place == Place.BLOCKED_KEY_STORE
                || place == Place.DEAD_LETTER_SINK
                || place == Place.DEAD_LETTER_STAGE);
  }

  private boolean othersDone() {
    return done.containsAll(others());
  }

  private static List<String> others() {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < OTHERS; i++) {
      ids.add("other" + i);
    }
    return ids;
  }

  private static void await(String what, BooleanSupplier condition) {
    long limit = System.nanoTime() + TimeUnit.SECONDS.toNanos(50);
    while (!condition.getAsBoolean()) {
      assertThat(System.nanoTime() - limit).as(what).isNegative();
      java.util.concurrent.locks.LockSupport.parkNanos(1_000_000);
    }
  }

  private EngineFixture.TestDelivery delivery(String id, String key) {
    Message.Builder message = Message.builder("t").id(id).key(key).contentType("text/plain");
    ForeignRecord wire = EngineFixture.ENVELOPE.write(message.body(bytes(id)).build());
    if (place == Place.SCHEMA_FUNCTION) {
      byte[] framed = {0, 0, 0, 0, (byte) (id.equals(BAD) ? 1 : 0)};
      wire = new ForeignRecord(key, java.util.Map.of("id", id), framed);
    }
    if (place == Place.FORMAT || place == Place.BODY_READER) {
      wire = new ForeignRecord(key, java.util.Map.of("content-type", "structured"), bytes(id));
    }
    return new EngineFixture.TestDelivery(id, key, wire, this, 0);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private DeliveryEngine engine(SystemRuntime runtime) {
    SubscriptionConfig.Builder config =
        SubscriptionConfig.builder(Destination.queue("orders"))
            .workers(4)
            .withoutDeadLetterBreaker()
            .handlerDeadline(Duration.ofMillis(150))
            .retry(
                RetrySchedule.builder()
                    .attemptsAtOnce(4)
                    .backoff(Backoff.exponential(Duration.ofMillis(1), Duration.ofMillis(5)))
                    .withoutDelays()
                    .build());
    configure(config);
    return DeliveryEngine.builder(config.build(), handler())
        .transport("test")
        .runtime(runtime)
        .format(format())
        .observer(observer())
        .settler(settler())
        .deadLetters(this::deadLetter)
        .delayStore(this::keep)
        .build();
  }

  private void configure(SubscriptionConfig.Builder config) {
    switch (place) {
      case BATCH_HANDLER -> config.batch(BatchBounds.of(1));
      case CLASSIFIER ->
          config.classifier(failure -> hit(Place.CLASSIFIER, BAD) ? null : Settlement.retry());
      case GATE ->
          config.gate(
              () -> {
                hit(Place.GATE, BAD);
                return true;
              });
      case BLOCKED_KEY_STORE -> config.blockKeyOnDeadLetter(new FaultyBlockedKeyStore());
      case INBOX, TRANSACTION_BEGIN, TRANSACTION_COMMIT -> {
        TransactionRunner transactions = new FaultyTransactions(InMemoryTransactionRunner.create());
        config.transactional(transactions, new FaultyInbox(transactions.database()));
      }
      case DELAY_STORE -> config.unordered();
      default -> {
        // Only the handler.
      }
    }
  }

  private MessageHandler handler() {
    return switch (place) {
      case BATCH_HANDLER ->
          (BatchHandler)
              batch -> {
                Settlement settlement = handle(Place.BATCH_HANDLER, batch.get(0));
                return settlement == null ? null : List.of(settlement);
              };
      case EVENT_HANDLER, CODEC -> {
        TypeRegistry types =
            TypeRegistry.builder(new FaultyCodec()).register("t", String.class).build();
        yield TypedHandler.builder(types)
            .on(String.class, (event, delivery) -> handle(Place.EVENT_HANDLER, delivery))
            .build();
      }
      default -> delivery -> handle(Place.HANDLER, delivery);
    };
  }

  private final class FaultyCodec implements Codec {
    @Override
    public String contentType() {
      return "text/plain";
    }

    @Override
    public byte[] encode(Object value) {
      return bytes(value.toString());
    }

    @Override
    public <T> T decode(byte[] bytes, Class<T> type) {
      String text = new String(bytes, StandardCharsets.UTF_8);
      return hit(Place.CODEC, text) ? null : type.cast(text);
    }
  }

  private MessageFormat format() {
    if (place == Place.BODY_READER) {
      return PlainFormatBuilder.of(new FaultyBodyReader()).type("t").id(body("/id")).build();
    }
    if (place == Place.SCHEMA_FUNCTION) {
      return ConfluentFormat.schemas(
              "text/plain",
              schema ->
                  schema == 1 && hit(Place.SCHEMA_FUNCTION, BAD)
                      ? null
                      : Optional.of(new ConfluentFormat.Schema("t", 1)),
              schema -> OptionalInt.empty())
          .id(header("id"))
          .build();
    }
    if (place != Place.FORMAT) {
      return EngineFixture.ENVELOPE;
    }
    return new MessageFormat() {
      @Override
      public String name() {
        return "failing";
      }

      @Override
      public Message read(ForeignRecord record) {
        String id = new String(record.body(), StandardCharsets.UTF_8);
        return hit(Place.FORMAT, id) ? null : Message.builder("t").id(id).body(bytes(id)).build();
      }

      @Override
      public ForeignRecord write(Message message) {
        throw new UnsupportedOperationException("write");
      }

      @Override
      public boolean alwaysFindsId() {
        return true;
      }
    };
  }

  private final class FaultyBodyReader implements BodyReader {
    @Override
    public String contentType() {
      return "text/plain";
    }

    @Override
    public boolean accepts(String contentType) {
      return true;
    }

    @Override
    public Function<ByteBuffer, @Nullable String[]> finder(List<String> paths) {
      return buffer -> {
        String id = StandardCharsets.UTF_8.decode(buffer).toString();
        return hit(Place.BODY_READER, id) ? null : new String[] {id};
      };
    }
  }

  private CommsObserver observer() {
    return new CommsObserver() {
      @Override
      public void onSettled(
          Destination source,
          String group,
          SubscriptionSnapshot.Count outcome,
          String messageId,
          int attempt,
          Duration age) {
        hit(Place.OBSERVER, messageId);
      }

      @Override
      public void onTrouble(Trouble trouble) {
        troubles.add(trouble);
      }
    };
  }

  private Settler settler() {
    return new Settler() {
      @Override
      public void acknowledge(RawDelivery delivery) {
        settled.add(delivery.positionText());
        hit(Place.SETTLER, delivery.positionText());
      }

      @Override
      public void giveBack(RawDelivery delivery) {
        settled.add(delivery.positionText());
      }
    };
  }

  private CompletionStage<?> deadLetter(ForeignRecord letter) {
    if (hit(Place.DEAD_LETTER_SINK, BAD)) {
      return null;
    }
    if (place == Place.DEAD_LETTER_STAGE) {
      return CompletableFuture.supplyAsync(
          () -> {
            boolean isNull = hit(Place.DEAD_LETTER_STAGE, BAD);
            deadLetters.add(letter);
            return isNull ? null : "kept";
          },
          body -> new Thread(body).start());
    }
    deadLetters.add(letter);
    return CompletableFuture.completedStage(null);
  }

  private Optional<CompletionStage<?>> keep(ForeignRecord record, Duration delay) {
    return hit(Place.DELAY_STORE, BAD) ? null : Optional.empty();
  }

  private final class FaultyBlockedKeyStore implements BlockedKeyStore {
    private final BlockedKeyStore healthy = new InMemoryBlockedKeyStore();

    @Override
    public void block(String consumer, String key, int level) {
      healthy.block(consumer, key, level);
    }

    @Override
    public OptionalInt level(String consumer, String key) {
      hit(Place.BLOCKED_KEY_STORE, key.equals("a") ? BAD : "");
      return healthy.level(consumer, key);
    }

    @Override
    public boolean release(String consumer, String key) {
      return healthy.release(consumer, key);
    }

    @Override
    public List<String> list(String consumer, int limit) {
      return healthy.list(consumer, limit);
    }
  }

  private final class FaultyInbox implements Inbox {
    private final DatabaseId database;
    private final Set<String> entries = ConcurrentHashMap.newKeySet();

    FaultyInbox(DatabaseId database) {
      this.database = database;
    }

    @Override
    public boolean enter(TransactionContext tx, String consumer, Message message) {
      current.set(message.id());
      hit(Place.INBOX, message.id());
      if (!entries.add(message.id())) {
        return false;
      }
      tx.unwrap(InMemoryTransaction.class).onRollback(() -> entries.remove(message.id()));
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

    @Override
    public DatabaseId database() {
      return database;
    }
  }

  private final class FaultyTransactions implements TransactionRunner {
    private final AtomicInteger begun = new AtomicInteger();
    private final TransactionRunner healthy;

    FaultyTransactions(TransactionRunner healthy) {
      this.healthy = healthy;
    }

    @Override
    public <T, X extends Exception> T run(TransactionWork<T, X> work) throws X {
      // A transaction has no message: every seventh fails to begin.
      int number = begun.getAndIncrement();
      boolean bad = fault == Fault.HANGS ? number == 0 : number % 7 == 0;
      if (hit(Place.TRANSACTION_BEGIN, bad ? BAD : "")) {
        return null;
      }
      T result = healthy.run(work);
      return hit(Place.TRANSACTION_COMMIT, current.get()) ? null : result;
    }

    @Override
    public DatabaseId database() {
      return healthy.database();
    }
  }
}
