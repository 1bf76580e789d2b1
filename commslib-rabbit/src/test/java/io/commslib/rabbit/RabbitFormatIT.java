package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.rabbitmq.client.AMQP;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallContext;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.RabbitServer;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Date;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Records of foreign programs, and what foreign programs see of the library's records. */
class RabbitFormatIT {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String URI = RabbitServer.shared().uri();

  /** Reads records that have nothing but a body. */
  private static final MessageFormat BODY =
      new MessageFormat() {
        @Override
        public String name() {
          return "body";
        }

        @Override
        public Message read(ForeignRecord record) {
          return Message.builder("body")
              .id(record.assignedId().orElseThrow())
              .source(record.boundName())
              .body(record.body())
              .build();
        }

        @Override
        public ForeignRecord write(Message message) {
          return ForeignRecord.builder()
              .property("type", "written")
              .header("Mixed-Case", 7)
              .body(message.body())
              .build();
        }

        @Override
        public boolean alwaysFindsId() {
          return false;
        }
      };

  private static Message message(Instant time) {
    return Message.builder("order.created")
        .id("o-1")
        .correlationId("c-1")
        .time(time)
        .body("{}".getBytes(StandardCharsets.UTF_8))
        .build();
  }

  private static AMQP.BasicProperties received(
      RawClient foreign, RabbitTransport transport, Destination queue, Message message) {
    transport.publisher().publish(queue, message).toCompletableFuture().join();
    return foreign.consume(queue.name(), 1).get(0).getProperties();
  }

  @Test
  void aForeignConsumerSeesTypeCorrelationIdAndTimestamp() throws Exception {
    Destination queue = Destination.queue("seen-by-others");
    try (RawClient foreign = RawClient.connect(URI);
        RabbitTransport transport =
            RabbitTransport.create(
                RabbitTransportConfig.builder(URI)
                    .bind(queue, RabbitBinding.queue(queue.name()).plain())
                    .build())) {
      transport.declare(DestinationConfig.builder(queue).build());
      AMQP.BasicProperties properties =
          received(foreign, transport, queue, message(Instant.parse("2026-03-01T10:00:00.5Z")));
      assertThat(properties.getType()).isEqualTo("order.created");
      assertThat(properties.getCorrelationId()).isEqualTo("c-1");
      assertThat(properties.getMessageId()).isEqualTo("o-1");
      assertThat(properties.getTimestamp())
          .isEqualTo(Date.from(Instant.parse("2026-03-01T10:00:00Z")));
      assertThat(properties.getDeliveryMode()).isEqualTo(2);
      Message without = Message.builder("next").build();
      assertThat(
              CallContext.empty()
                  .withCause("c-2", "m-2")
                  .call(() -> received(foreign, transport, queue, without).getCorrelationId()))
          .as("carried on from the caller's context")
          .isEqualTo("c-2");
      assertThat(
              received(foreign, transport, queue, message(Instant.parse("1969-12-31T23:59:59Z")))
                  .getTimestamp())
          .isNull();
      transport.declare(DestinationConfig.builder(queue).format(BODY).build());
      AMQP.BasicProperties written = received(foreign, transport, queue, message(Instant.EPOCH));
      assertThat(written.getType()).isEqualTo("written");
      assertThat(written.getMessageId()).isNull();
      assertThat(written.getHeaders())
          .containsOnlyKeys("Mixed-Case", OutgoingRecord.SEQUENCE)
          .containsEntry("Mixed-Case", 7);
    }
  }

  @Test
  void whatAFormatWritesAndAmqpHasNoFormForIsNotSentAndPermanent() throws Exception {
    Destination queue = Destination.queue("no-form-in-amqp");
    MessageFormat endless =
        new MessageFormat() {
          @Override
          public String name() {
            return "endless";
          }

          @Override
          public Message read(ForeignRecord record) {
            throw new UnsupportedOperationException("read");
          }

          @Override
          public ForeignRecord write(Message message) {
            return ForeignRecord.builder().property("timestamp", Instant.MAX).build();
          }

          @Override
          public boolean alwaysFindsId() {
            return true;
          }
        };
    try (RawClient foreign = RawClient.connect(URI);
        RabbitTransport transport =
            RabbitTransport.create(
                RabbitTransportConfig.builder(URI)
                    .bind(queue, RabbitBinding.queue(queue.name()).plain())
                    .build())) {
      transport.declare(DestinationConfig.builder(queue).format(endless).build());
      assertThatThrownBy(
              () ->
                  transport
                      .publisher()
                      .publish(queue, message(Instant.EPOCH))
                      .toCompletableFuture()
                      .join())
          .cause()
          .hasMessageStartingWith("COMMS-RABBIT-013: properties: ")
          .isInstanceOfSatisfying(
              PublishException.class,
              failure -> {
                assertThat(failure.kind()).isEqualTo(FailureKind.PERMANENT);
                assertThat(failure.certainty()).isEqualTo(SendCertainty.NOT_SENT);
              });
      transport.declare(DestinationConfig.builder(queue).format(BODY).build());
      assertThat(received(foreign, transport, queue, message(Instant.EPOCH)).getType())
          .isEqualTo("written");
    }
  }

  @Test
  void anAssignedIdStaysThroughDeadLetterAndRedrive() throws Exception {
    Destination queue = Destination.queue("no-ids");
    List<Delivery> deliveries = new CopyOnWriteArrayList<>();
    try (RawClient foreign = RawClient.connect(URI);
        RabbitTransport transport = RabbitTransport.create(URI)) {
      transport.declare(DestinationConfig.builder(queue).format(BODY).build());
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(queue).build(),
              delivery -> {
                deliveries.add(delivery);
                return delivery.redriveCount() == 0
                    ? Settlement.deadLetter("first")
                    : Settlement.done();
              });
      AMQP.BasicProperties properties =
          new AMQP.BasicProperties.Builder()
              .type("theirs")
              .headers(Map.of("commslib-record-id", "forged"))
              .build();
      foreign.publish("", queue.name(), properties, new byte[] {1});
      Await.until(
          "the letter", LIMIT, () -> !transport.deadLetters().list(queue, "main", 10).isEmpty());
      List<DeadLetter> letters = transport.deadLetters().list(queue, "main", 10);
      transport.deadLetters().redrive(queue, "main", letter -> true);
      Await.until("redriven", LIMIT, () -> deliveries.size() == 2);
      String id = deliveries.get(0).message().id();
      assertThat(id).isNotEqualTo("forged");
      assertThat(letters).extracting(DeadLetter::messageId).containsExactly(id);
      assertThat(deliveries.get(1).message().id()).isEqualTo(id);
      assertThat(deliveries.get(1).message().source()).isEqualTo(queue.name());
      for (Delivery delivery : deliveries) {
        assertThat(delivery.record().routingKey()).contains(queue.name());
        assertThat(delivery.record().exchange()).contains("");
        assertThat(delivery.record().properties()).containsEntry("type", "theirs");
        assertThat(delivery.record().headers()).isEmpty();
      }
    }
  }

  @Test
  void withAnInboxAFormatThatMayFindNoIdIsRefused() {
    Destination queue = Destination.queue("no-ids-for-an-inbox");
    InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
    try (RabbitTransport transport = RabbitTransport.create(URI)) {
      transport.declare(DestinationConfig.builder(queue).format(BODY).build());
      assertThatThrownBy(
              () ->
                  transport
                      .subscriber()
                      .subscribe(
                          SubscriptionConfig.builder(queue)
                              .transactional(transactions, inbox(transactions))
                              .build(),
                          delivery -> Settlement.done()))
          .hasMessage(
              "COMMS-RABBIT-020: format: body (expected: one that always finds an id, since the"
                  + " subscription has an inbox)");
    }
  }

  /** An inbox that is never used. */
  private static Inbox inbox(InMemoryTransactionRunner transactions) {
    return (Inbox)
        Proxy.newProxyInstance(
            Inbox.class.getClassLoader(),
            new Class<?>[] {Inbox.class},
            (proxy, method, arguments) ->
                method.getName().equals("database") ? transactions.database() : Duration.ofDays(9));
  }

  @Test
  void healthNamesAFormatThatBlocksTheClientsThread() throws Exception {
    CountDownLatch reading = new CountDownLatch(1);
    CountDownLatch blocked = new CountDownLatch(1);
    AtomicLong ahead = new AtomicLong();
    MessageFormat blocking =
        (MessageFormat)
            Proxy.newProxyInstance(
                MessageFormat.class.getClassLoader(),
                new Class<?>[] {MessageFormat.class},
                (proxy, method, arguments) -> {
                  if (method.getName().equals("orderingKey")) {
                    reading.countDown();
                    blocked.await();
                  }
                  return method.invoke(BODY, arguments);
                });
    Destination queue = Destination.queue("blocks-" + System.nanoTime());
    try (RabbitTransport transport =
        RabbitTransport.create(
            RabbitTransportConfig.builder(URI).runtime(new ShiftedRuntime(ahead::get)).build())) {
      transport.declare(DestinationConfig.builder(queue).group("g").format(blocking).build());
      AtomicInteger handled = new AtomicInteger();
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(
                  SubscriptionConfig.builder(queue, "g").build(),
                  delivery -> {
                    handled.incrementAndGet();
                    return Settlement.done();
                  });
      transport.publisher().publish(queue, message(Instant.EPOCH)).toCompletableFuture().join();
      assertThat(reading.await(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();

      ahead.set(TimeUnit.SECONDS.toNanos(31));

      assertThat(subscription.health().status()).isEqualTo(Health.Status.DOWN);
      assertThat(subscription.health().reason()).contains("a format that does not block");
      blocked.countDown();
      Await.until("the message is handled", () -> handled.get() == 1);
      assertThat(subscription.health().status()).isEqualTo(Health.Status.UP);
    } finally {
      blocked.countDown();
    }
  }
}
