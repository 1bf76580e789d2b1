package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.idempotency.RequestOutcome;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.inmemory.InMemoryTransport;
import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageHandler;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.Publisher;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.redrive.CauseGroup;
import io.commslib.core.redrive.Redrive;
import io.commslib.core.redrive.RedriveSelection;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import io.commslib.idempotency.IdempotencyConfig;
import io.commslib.idempotency.InboxConfig;
import io.commslib.idempotency.InboxSchema;
import io.commslib.idempotency.JdbcIdempotencyStore;
import io.commslib.idempotency.JdbcInbox;
import io.commslib.jackson.JacksonCodec;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.kafka.KafkaTransport;
import io.commslib.outbox.JdbcOutbox;
import io.commslib.outbox.OutboxConfig;
import io.commslib.outbox.OutboxRelay;
import io.commslib.outbox.OutboxSchema;
import io.commslib.rabbit.RabbitTransport;
import io.commslib.saga.SagaDefinition;
import io.commslib.saga.SagaEngine;
import io.commslib.saga.SagaSchema;
import io.commslib.service.Comms;
import io.commslib.testkit.MessagingScenario;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import javax.sql.DataSource;
import org.h2.jdbcx.JdbcConnectionPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/**
 * The code in the Javadoc of the types that a newcomer meets first; {@link DocsSnippetTest}
 * compares it. Code that needs a broker is only compiled.
 */
class JavadocSnippetTest {

  record OrderPlaced(String orderId, int pieces) {}

  record ReserveStock(String orderId) {}

  record StockReserved(String orderId) {}

  record OutOfStock(String orderId) {}

  record OrderState(String orderId) {}

  private static final Destination ORDERS = Destination.queue("orders");
  private static final Destination INVENTORY = Destination.queue("inventory");

  private final JdbcConnectionPool pool =
      JdbcConnectionPool.create(
          "jdbc:h2:mem:" + UUID.randomUUID() + ";DB_CLOSE_DELAY=-1", "sa", "");
  private final JdbcDatabase database = JdbcDatabase.builder(pool).build();
  private final TransactionRunner transactions = JdbcTransactionRunner.create(database);
  private final CommsRuntime runtime = SystemRuntime.create();

  @AfterEach
  void close() {
    runtime.close();
    pool.dispose();
  }

  @Test
  void messagesArePublishedAndHandled() throws Exception {
    CountDownLatch handled = new CountDownLatch(1);
    // snippet: javadoc-message
    Message message =
        Message.builder("order.placed")
            .key("customer-7")
            .contentType("application/json")
            .body("{\"orderId\":\"o-1\"}".getBytes(StandardCharsets.UTF_8))
            .build();
    // end
    // snippet: javadoc-transport
    MessageTransport transport = InMemoryTransport.create();
    transport.declare(DestinationConfig.builder(ORDERS).build());
    transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(ORDERS).build(),
            delivery -> {
              handled.countDown();
              return Settlement.done();
            });
    transport.publisher().publish(ORDERS, message).toCompletableFuture().join();
    // end
    handled.await();
    Publisher publisher = transport.publisher();
    StringBuilder log = new StringBuilder();
    // snippet: javadoc-publisher
    publisher
        .publish(ORDERS, message)
        .whenComplete(
            (receipt, failure) ->
                log.append(failure == null ? "confirmed " + receipt.messageId() : "failed"));
    // end
    transport.close();
    assertThat(log.toString()).isNotNull();
  }

  @Test
  void subscriptionsAreConfigured() {
    // snippet: javadoc-subscription
    SubscriptionConfig config =
        SubscriptionConfig.builder(ORDERS)
            .workers(16)
            .maxInFlight(500)
            .retry(
                RetrySchedule.builder()
                    .delays(Duration.ofSeconds(10), Duration.ofMinutes(5))
                    .build())
            .handlerDeadline(Duration.ofSeconds(20))
            .build();
    // end
    assertThat(config.workers()).isEqualTo(16);
    // snippet: javadoc-settlement
    MessageHandler handler =
        delivery -> {
          if (delivery.message().bodyLength() == 0) {
            return Settlement.deadLetter("EMPTY_BODY");
          }
          return isOpen() ? Settlement.done() : Settlement.retry(Duration.ofMinutes(1));
        };
    // end
    assertThat(handler).isNotNull();
  }

  private static boolean isOpen() {
    return true;
  }

  @Test
  void eventsAreTyped() {
    // snippet: javadoc-types
    TypeRegistry types =
        TypeRegistry.builder(JacksonCodec.create())
            .register("order.placed", OrderPlaced.class)
            .build();
    Message message = types.message(new OrderPlaced("o-1", 3)).key("o-1").build();
    // end
    // snippet: javadoc-typed-handler
    TypedHandler handler =
        TypedHandler.builder(types)
            .on(OrderPlaced.class, (event, delivery) -> ship(event.orderId(), delivery))
            .build();
    // end
    assertThat(message.type()).isEqualTo("order.placed");
    assertThat(handler).isNotNull();
  }

  private static Settlement ship(String orderId, Delivery delivery) {
    return orderId.isEmpty() || delivery.attempt() > 5 ? Settlement.retry() : Settlement.done();
  }

  @Test
  void deadLettersAreRedriven() {
    try (InMemoryTransport transport = InMemoryTransport.create()) {
      transport.declare(DestinationConfig.builder(ORDERS).build());
      DeadLetters deadLetters = transport.deadLetters();
      // snippet: javadoc-redrive
      Redrive redrive = Redrive.builder(deadLetters, runtime).maxPerSecond(50).build();
      for (CauseGroup cause : redrive.groups(ORDERS, "main")) {
        RedriveSelection selection = RedriveSelection.cause(cause.fingerprint());
        redrive.run(ORDERS, "main", selection, "ann", "the price list is back");
      }
      // end
      assertThat(redrive.groups(ORDERS, "main")).isEmpty();
    }
  }

  @Test
  void aServiceIsWired() throws Exception {
    DataSource dataSource = pool;
    MessageTransport transport = InMemoryTransport.create();
    // snippet: javadoc-service
    Comms comms =
        Comms.service("shipping")
            .database(dataSource)
            .transport(transport)
            .type("order.placed", OrderPlaced.class)
            .subscribe(
                "orders",
                ORDERS,
                on -> on.on(OrderPlaced.class, (event, delivery) -> Settlement.done()))
            .applySchemas()
            .start();
    comms.inTransaction(tx -> comms.publish(tx, ORDERS, new OrderPlaced("o-1", 3), "o-1"));
    // end
    comms.close();
    assertThat(comms.name()).isEqualTo("shipping");
  }

  @Test
  void theOutboxPublishesWithTheCommit() throws Exception {
    OutboxSchema.scripts().apply(database);
    InboxSchema.scripts().apply(database);
    Message placed = Message.builder("order.placed").key("o-1").build();
    MessageTransport transport = InMemoryTransport.create();
    transport.declare(DestinationConfig.builder(ORDERS).build());
    // snippet: javadoc-outbox
    JdbcOutbox outbox = JdbcOutbox.create(database, OutboxConfig.defaults());
    transactions.run(
        tx -> {
          outbox.publish(tx, ORDERS, placed);
          return null;
        });
    // end
    // snippet: javadoc-relay
    OutboxRelay relay = OutboxRelay.create(outbox, transport, runtime);
    relay.start();
    // end
    relay.close();
    // snippet: javadoc-transactions
    String orderId =
        transactions.run(
            tx -> {
              Connection connection = JdbcTransactions.connection(tx);
              try (var insert = connection.prepareStatement("SELECT 'o-1'");
                  var row = insert.executeQuery()) {
                row.next();
                return row.getString(1);
              }
            });
    // end
    assertThat(orderId).isEqualTo("o-1");
    // snippet: javadoc-inbox
    JdbcInbox inbox = JdbcInbox.create(database, InboxConfig.defaults());
    SubscriptionConfig config =
        SubscriptionConfig.builder(ORDERS).transactional(transactions, inbox).build();
    // end
    assertThat(config.inbox()).isPresent();
    // snippet: javadoc-lifecycle
    Lifecycle lifecycle =
        Lifecycle.builder()
            .transport(transport)
            .relay(OutboxRelay.create(outbox, transport, runtime))
            .subscribe(config, delivery -> Settlement.done())
            .build();
    lifecycle.start();
    // end
    lifecycle.drain(Duration.ofSeconds(20));
    lifecycle.close();
    transport.close();
  }

  @Test
  void requestsTakeEffectOnce() {
    InboxSchema.scripts().apply(database);
    byte[] body = "amount=5".getBytes(StandardCharsets.UTF_8);
    String idempotencyKey = "\"key-1\"";
    // snippet: javadoc-requests
    IdempotentRequests requests =
        IdempotentRequests.builder(
                JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults()))
            .build();
    RequestOutcome outcome =
        requests.inTransaction(
            transactions,
            "customer-7/charge",
            idempotencyKey,
            IdempotentRequests.fingerprint(body),
            tx -> charge(tx, body));
    // end
    assertThat(outcome.result().status()).isEqualTo(201);
  }

  private static StoredResult charge(TransactionContext tx, byte[] body) {
    assertThat(tx.isRollbackOnly()).isFalse();
    return new StoredResult(201, "text/plain", body, Map.of());
  }

  @Test
  void sagasAreDefinedAndStarted() throws SQLException {
    OutboxSchema.scripts().apply(database);
    SagaSchema.scripts().apply(database);
    JdbcOutbox outbox = JdbcOutbox.create(database, OutboxConfig.defaults());
    TypeRegistry types =
        TypeRegistry.builder(JacksonCodec.create())
            .register("stock.reserve", ReserveStock.class)
            .register("stock.reserved", StockReserved.class)
            .register("stock.out", OutOfStock.class)
            .build();
    // snippet: javadoc-saga-definition
    SagaDefinition<OrderState> definition =
        SagaDefinition.builder("order", 1, OrderState.class)
            .step("reserve")
            .command(INVENTORY, order -> new ReserveStock(order.orderId()))
            .onReply(StockReserved.class, (order, reply) -> order)
            .refusedBy(OutOfStock.class, (order, reply) -> order)
            .readOnly()
            .timeout(Duration.ofMinutes(10))
            .build();
    // end
    // snippet: javadoc-saga-engine
    SagaEngine sagas =
        SagaEngine.builder(database, types, JacksonCodec.create())
            .outbox(outbox)
            .define(definition)
            .runtime(runtime)
            .build();
    sagas.start();
    transactions.run(tx -> sagas.start(tx, definition, "o-1", new OrderState("o-1")));
    // end
    sagas.close();
  }

  @Test
  void handlersAreTestedWithoutABroker() {
    // snippet: javadoc-scenario
    try (MessagingScenario scenario = MessagingScenario.create()) {
      scenario
          .declare(DestinationConfig.builder(ORDERS).build())
          .subscribe(SubscriptionConfig.builder(ORDERS).build(), delivery -> Settlement.done())
          .send(ORDERS, Message.builder("order.placed").id("m-1").key("o-1").build())
          .awaitQuiet(Duration.ofMinutes(1))
          .assertDone(ORDERS, "main", "m-1");
    }
    // end
  }

  /** Compiled, not run: they need a broker. */
  static void brokers() {
    // snippet: javadoc-kafka
    try (KafkaTransport transport = KafkaTransport.create("127.0.0.1:9092")) {
      transport.declare(DestinationConfig.builder(ORDERS).partitions(12).build());
      transport
          .subscriber()
          .subscribe(SubscriptionConfig.builder(ORDERS).build(), delivery -> Settlement.done());
    }
    // end
    // snippet: javadoc-rabbit
    try (RabbitTransport transport = RabbitTransport.create("amqp://guest:guest@127.0.0.1:5672")) {
      transport.declare(DestinationConfig.builder(ORDERS).build());
      transport
          .subscriber()
          .subscribe(SubscriptionConfig.builder(ORDERS).build(), delivery -> Settlement.done());
    }
    // end
  }
}
