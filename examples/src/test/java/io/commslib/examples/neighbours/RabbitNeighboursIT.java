package io.commslib.examples.neighbours;

import static io.commslib.jackson.PlainFormat.field;
import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.ConnectionFactory;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.jackson.PlainFormat;
import io.commslib.rabbit.RabbitBinding;
import io.commslib.rabbit.RabbitTransport;
import io.commslib.rabbit.RabbitTransportConfig;
import io.commslib.testkit.servers.RabbitServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A thousand orders in each direction between commslib and each RabbitMQ client, over a durable
 * queue that both declare: none lost, none in the dead letters, each once and in the order of its
 * key.
 */
@Tag("neighbours")
class RabbitNeighboursIT {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final List<String> NAMES =
      List.of(
          "amqplib-in", "amqplib-out", "pika-in", "pika-out", "spring-amqp-in", "spring-amqp-out");

  @TempDir private static Path folder;
  private static String uri;
  private static RabbitTransport transport;
  private static NeighbourRuns runs;

  @BeforeAll
  static void begin() {
    uri = RabbitServer.shared().uri();
    RabbitTransportConfig.Builder config = RabbitTransportConfig.builder(uri);
    NAMES.forEach(name -> config.bind(Destination.queue(name), RabbitBinding.queue(name).plain()));
    transport = RabbitTransport.create(config.build());
    runs = new NeighbourRuns(folder);
    runs.begin(
        "amqplib-in", ForeignClient.AMQPLIB, exchange -> in(exchange, "amqplib-producer.js"));
    runs.begin("pika-in", ForeignClient.PIKA, exchange -> in(exchange, "pika_producer.py"));
    runs.begin("spring-amqp-in", RabbitNeighboursIT::fromSpring);
    runs.begin(
        "amqplib-out", ForeignClient.AMQPLIB, exchange -> out(exchange, "amqplib-consumer.js"));
    runs.begin("pika-out", ForeignClient.PIKA, exchange -> out(exchange, "pika_consumer.py"));
    runs.begin("spring-amqp-out", RabbitNeighboursIT::toSpring);
  }

  @AfterAll
  static void end() {
    runs.close();
    transport.close();
  }

  @Test
  void jsonOfAmqplibIsHandled() throws Exception {
    runs.await("amqplib-in");
  }

  @Test
  void jsonOfPikaIsHandled() throws Exception {
    runs.await("pika-in");
  }

  @Test
  void messagesOfSpringAmqpAreHandled() throws Exception {
    runs.await("spring-amqp-in");
  }

  @Test
  void amqplibReadsWhatIsPublished() throws Exception {
    runs.await("amqplib-out");
  }

  @Test
  void pikaReadsWhatIsPublished() throws Exception {
    runs.await("pika-out");
  }

  @Test
  void springAmqpReadsWhatIsPublished() throws Exception {
    runs.await("spring-amqp-out");
  }

  @Test
  void theQueueOfThePageTakesADeclarationWithoutArguments() throws Exception {
    // snippet: plain-queue
    Destination tasks = Destination.queue("tasks");
    MessageFormat orders =
        PlainFormat.json()
            .type("order.created")
            .id(field("eventId"))
            .key(field("customerId"))
            .build();
    RabbitTransportConfig config =
        RabbitTransportConfig.builder(uri)
            .bind(tasks, RabbitBinding.queue("tasks").plain())
            .build();
    DestinationConfig declaration = DestinationConfig.builder(tasks).format(orders).build();
    // end
    try (RabbitTransport own = RabbitTransport.create(config)) {
      own.declare(declaration);
    }
    ConnectionFactory foreign = new ConnectionFactory();
    foreign.setUri(uri);
    try (Connection connection = foreign.newConnection();
        Channel channel = connection.createChannel()) {
      assertThat(channel.queueDeclare("tasks", true, false, false, Map.of()).getQueue())
          .isEqualTo("tasks");
    }
  }

  /** The foreign program sends to a queue that commslib has declared. */
  private static void in(Exchange exchange, String program) throws Exception {
    Destination queue = declared(exchange, plain());
    try (Subscription subscription = subscribe(exchange, queue);
        ForeignProgram sender = start(exchange, program)) {
      sender.awaitEnd(LIMIT);
      awaitHandled(exchange, queue);
    }
  }

  private static void fromSpring(Exchange exchange) {
    Destination queue = declared(exchange, spring());
    try (Subscription subscription = subscribe(exchange, queue)) {
      SpringAmqpService.send(uri, exchange.name(), exchange.springOrders());
      awaitHandled(exchange, queue);
    }
  }

  /** Commslib publishes to a queue that the foreign program has declared. */
  private static void out(Exchange exchange, String program) {
    try (ForeignProgram reader = start(exchange, program)) {
      publishAll(exchange, declared(exchange, plain()));
      try {
        exchange.awaitReceived(reader::isRunning);
      } catch (AssertionError e) {
        throw new AssertionError(e.getMessage() + "; it printed:\n" + reader.output(), e);
      }
    }
  }

  private static void toSpring(Exchange exchange) {
    try (SpringAmqpService service =
        new SpringAmqpService(uri, exchange.name(), exchange::received)) {
      publishAll(exchange, declared(exchange, spring()));
      exchange.awaitReceived(() -> true);
    }
  }

  private static Destination declared(Exchange exchange, MessageFormat format) {
    Destination queue = Destination.queue(exchange.name());
    transport.declare(DestinationConfig.builder(queue).format(format).build());
    return queue;
  }

  private static Subscription subscribe(Exchange exchange, Destination queue) {
    return transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(queue).build(),
            delivery -> {
              exchange.received(delivery);
              return Settlement.done();
            });
  }

  private static void awaitHandled(Exchange exchange, Destination queue) {
    exchange.sent();
    exchange.awaitReceived(() -> true);
    assertThat(transport.deadLetters().list(queue, "main", 10)).isEmpty();
  }

  private static void publishAll(Exchange exchange, Destination queue) {
    List<CompletableFuture<?>> receipts = new ArrayList<>();
    for (int i = 0; i < Exchange.COUNT; i++) {
      receipts.add(transport.publisher().publish(queue, exchange.message(i)).toCompletableFuture());
    }
    CompletableFuture.allOf(receipts.toArray(CompletableFuture[]::new)).join();
    exchange.sent();
  }

  private static ForeignProgram start(Exchange exchange, String program) {
    Map<String, String> environment = new HashMap<>(exchange.orders());
    environment.putAll(Map.of("RABBIT_URI", uri, "QUEUE", exchange.name()));
    return ForeignProgram.start(program, environment, exchange::received);
  }

  private static MessageFormat plain() {
    return PlainFormat.json()
        .type("order.created")
        .id(field("eventId"))
        .key(field("customerId"))
        .build();
  }

  private static MessageFormat spring() {
    // snippet: spring-json-amqp
    MessageFormat orders =
        PlainFormat.json()
            .springTypes(Map.of("io.commslib.examples.neighbours.OrderCreated", "order.created"))
            .id(field("eventId"))
            .key(field("customerId"))
            .build();
    // end
    return orders;
  }
}
