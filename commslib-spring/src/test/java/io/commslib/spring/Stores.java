package io.commslib.spring;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.TransactionContext;
import io.commslib.idempotency.BlockedKeysSchema;
import io.commslib.idempotency.IdempotencyConfig;
import io.commslib.idempotency.InboxConfig;
import io.commslib.idempotency.InboxSchema;
import io.commslib.idempotency.JdbcBlockedKeyStore;
import io.commslib.idempotency.JdbcIdempotencyStore;
import io.commslib.idempotency.JdbcInbox;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxAdmin;
import io.commslib.outbox.OutboxConfig;
import io.commslib.outbox.OutboxSchema;
import io.commslib.saga.SagaConfig;
import io.commslib.saga.SagaDefinition;
import io.commslib.saga.SagaEngine;
import io.commslib.saga.SagaSchema;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** All stores of the library in one database, and all its operations in a caller's transaction. */
final class Stores implements AutoCloseable {

  static final Destination ORDERS = Destination.queue("orders");
  static final Destination NOWHERE = Destination.queue("nowhere");

  /** A saga's state. */
  record Trip(String order) {}

  /** Its command. */
  record Book(String order) {}

  /** The answer. */
  record Booked(String order) {}

  /** An operation in the caller's transaction. */
  @FunctionalInterface
  interface Operation {
    void run(TransactionContext tx) throws Exception;
  }

  private final AtomicInteger last = new AtomicInteger();
  final SystemRuntime runtime = SystemRuntime.create();
  final InMemoryTransport transport = InMemoryTransport.create();
  final JdbcDatabase database;
  final JdbcTransactionRunner transactions;
  final JdbcOutbox outbox;
  final OutboxAdmin admin;
  final JdbcInbox inbox;
  final JdbcIdempotencyStore requests;
  final JdbcBlockedKeyStore blockedKeys;
  final SagaDefinition<Trip> trips;
  final @Nullable SagaEngine sagas;

  /** On H2 and PostgreSQL only. */
  private static boolean hasSagas(JdbcDatabase database) {
    return !database.dialect().isMySql();
  }

  /** Creates the tables through another data source, since this borrows two connections. */
  static void makeTables(JdbcDatabase database) {
    OutboxSchema.scripts().apply(database);
    InboxSchema.scripts().apply(database);
    BlockedKeysSchema.scripts().apply(database);
    if (hasSagas(database)) {
      SagaSchema.scripts().apply(database);
    }
  }

  Stores(JdbcDatabase database) {
    this.database = database;
    this.transactions = JdbcTransactionRunner.create(database);
    this.outbox =
        JdbcOutbox.create(
            database,
            OutboxConfig.builder()
                .shards(2)
                .pollInterval(Duration.ofMillis(50))
                .attempts(1)
                .backoff(Backoff.exponential(Duration.ofMillis(1), Duration.ofMillis(5)))
                .build());
    this.admin = OutboxAdmin.create(database);
    this.inbox = JdbcInbox.create(database, InboxConfig.defaults());
    this.requests = JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults());
    this.blockedKeys = JdbcBlockedKeyStore.create(database);
    this.trips =
        SagaDefinition.builder("trip", 1, Trip.class)
            .key(Trip::order)
            .step("book")
            .command(ORDERS, trip -> new Book(trip.order()))
            .onReply(Booked.class, (trip, reply) -> trip)
            .timeout(Duration.ofMillis(100))
            .attempts(1)
            .build();
    this.sagas = hasSagas(database) ? sagaEngine() : null;
    transport.declare(DestinationConfig.builder(ORDERS).group("main").build());
  }

  private static TypeRegistry types() {
    return TypeRegistry.builder(JacksonCodec.create())
        .register("book", Book.class)
        .register("booked", Booked.class)
        .build();
  }

  private SagaEngine sagaEngine() {
    return SagaEngine.builder(database, types(), JacksonCodec.create())
        .outbox(outbox)
        .define(trips)
        .config(
            SagaConfig.builder()
                .pollInterval(Duration.ofMillis(20))
                .lease(Duration.ofSeconds(1))
                .build())
        .runtime(runtime)
        .build();
  }

  /** Returns a unique id. */
  String next() {
    return "id-" + last.incrementAndGet();
  }

  static Message message(String id) {
    return Message.builder("test").id(id).key("k").body(new byte[] {1}).build();
  }

  static RequestKey request(String id) {
    return new RequestKey("caller/charge", id, "print");
  }

  static StoredResult result() {
    return new StoredResult(201, "text/plain", new byte[] {1}, Map.of());
  }

  /** A reply to the saga of an order, as a delivery in a transaction. */
  Delivery reply(TransactionContext tx, String sagaId) {
    Message reply =
        types().message(new Booked("o")).correlationId(sagaId).causationId("none").build();
    return new Reply(reply, tx);
  }

  /**
   * Returns all public operations that take a caller's transaction, by class and method; another
   * test checks that the list is complete.
   */
  Map<String, Operation> operations() {
    Map<String, Operation> all = new LinkedHashMap<>();
    all.put("JdbcOutbox.publish", tx -> outbox.publish(tx, ORDERS, message(next())));
    all.put(
        "JdbcOutbox.publishAll",
        tx -> outbox.publishAll(tx, ORDERS, List.of(message(next()), message(next()))));
    all.put(
        "JdbcOutbox.publishLater",
        tx ->
            outbox.publishLater(
                tx, ORDERS, message(next()), Instant.parse("2100-01-01T00:00:00Z")));
    all.put("JdbcOutbox.ordered", tx -> outbox.ordered(tx, "k"));
    all.put("JdbcOutbox.cancel", tx -> outbox.cancel(tx, "no such id"));
    all.put("JdbcInbox.enter", tx -> inbox.enter(tx, "orders/main", message(next())));
    all.put(
        "JdbcInbox.enterAll",
        tx -> inbox.enterAll(tx, "orders/main", List.of(message(next()), message(next()))));
    all.put("JdbcIdempotencyStore.claim", tx -> requests.claim(tx, request(next())));
    all.put("JdbcIdempotencyStore.complete", this::claimAndComplete);
    if (sagas != null) {
      SagaEngine engine = sagas;
      all.put(
          "SagaEngine.start",
          tx -> {
            String order = next();
            engine.start(tx, trips, order, new Trip(order));
          });
    }
    return all;
  }

  private void claimAndComplete(TransactionContext tx) {
    RequestKey request = request(next());
    Claim claim = requests.claim(tx, request);
    requests.complete(tx, request, claim.token(), result());
  }

  @Override
  public void close() {
    if (sagas != null) {
      sagas.close();
    }
    transport.close();
    runtime.close();
  }

  private record Reply(Message message, TransactionContext transaction) implements Delivery {
    @Override
    public ForeignRecord record() {
      return ForeignRecord.builder().body(message.body()).build();
    }

    @Override
    public Destination destination() {
      return Destination.queue("replies");
    }

    @Override
    public String group() {
      return "main";
    }

    @Override
    public int attempt() {
      return 1;
    }

    @Override
    public int redriveCount() {
      return 0;
    }

    @Override
    public Duration remaining() {
      return Duration.ofSeconds(1);
    }
  }
}
