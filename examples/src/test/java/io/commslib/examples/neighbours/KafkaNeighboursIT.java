package io.commslib.examples.neighbours;

import static io.commslib.core.format.ValueSource.recordKey;
import static io.commslib.jackson.PlainFormat.field;
import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.jackson.CloudEventsJson;
import io.commslib.jackson.PlainFormat;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.testkit.servers.KafkaServer;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A thousand orders in each direction between commslib and each Kafka client: none lost, none in
 * the dead letters, each once and in the order of its key.
 */
@Tag("neighbours")
class KafkaNeighboursIT {

  private static final Duration LIMIT = Duration.ofSeconds(60);
  private static final String GROUP = "ship";

  @TempDir private static Path folder;
  private static String servers;
  private static KafkaTransport transport;
  private static NeighbourRuns runs;

  @BeforeAll
  static void begin() {
    servers = KafkaServer.shared().bootstrapServers();
    transport =
        KafkaTransport.create(
            KafkaTransportConfig.builder(servers)
                .structuredEvents(CloudEventsJson.create())
                .build());
    runs = new NeighbourRuns(folder);
    runs.begin(
        "kafkajs-in",
        ForeignClient.KAFKAJS,
        exchange -> in(exchange, plain(), "kafkajs-producer.js", Map.of()));
    runs.begin(
        "kafka-python-in",
        ForeignClient.KAFKA_PYTHON,
        exchange -> in(exchange, plain(), "kafka_python_producer.py", Map.of()));
    runs.begin(
        "confluent-in",
        ForeignClient.CONFLUENT_KAFKA,
        exchange -> in(exchange, plain(), "confluent_producer.py", Map.of()));
    for (String mode : List.of("binary", "structured")) {
      runs.begin(
          "cloudevents-" + mode + "-in",
          ForeignClient.CLOUDEVENTS,
          exchange -> in(exchange, null, "cloudevents-producer.js", Map.of("MODE", mode)));
    }
    runs.begin(
        "cloudevents-binary-out",
        ForeignClient.CLOUDEVENTS,
        exchange -> out(exchange, null, "cloudevents-consumer.js"));
    runs.begin(
        "kafkajs-out",
        ForeignClient.KAFKAJS,
        exchange -> out(exchange, plain(), "kafkajs-consumer.js"));
    runs.begin(
        "kafka-python-out",
        ForeignClient.KAFKA_PYTHON,
        exchange -> out(exchange, plain(), "kafka_python_consumer.py"));
    runs.begin(
        "cloudevents-structured-out",
        ForeignClient.CLOUDEVENTS,
        exchange -> out(exchange, CloudEventsJson.create(), "cloudevents-consumer.js"));
    runs.begin("spring-kafka-in", KafkaNeighboursIT::fromSpring);
    runs.begin("spring-kafka-out", KafkaNeighboursIT::toSpring);
    runs.begin(
        "confluent-out",
        ForeignClient.CONFLUENT_KAFKA,
        exchange -> out(exchange, plain(), "confluent_consumer.py"));
  }

  @AfterAll
  static void end() {
    runs.close();
    transport.close();
  }

  @Test
  void cloudEventsOfTheSdkInBinaryModeAreHandled() throws Exception {
    runs.await("cloudevents-binary-in");
  }

  @Test
  void cloudEventsOfTheSdkInStructuredModeAreHandled() throws Exception {
    runs.await("cloudevents-structured-in");
  }

  @Test
  void theCloudEventsSdkReadsWhatIsPublished() throws Exception {
    runs.await("cloudevents-binary-out");
  }

  @Test
  void jsonOfKafkajsIsHandled() throws Exception {
    runs.await("kafkajs-in");
  }

  @Test
  void jsonOfKafkaPythonIsHandled() throws Exception {
    runs.await("kafka-python-in");
  }

  @Test
  void jsonOfConfluentKafkaIsHandled() throws Exception {
    runs.await("confluent-in");
  }

  @Test
  void theCloudEventsSdkReadsWhatIsPublishedInStructuredMode() throws Exception {
    runs.await("cloudevents-structured-out");
  }

  @Test
  void messagesOfSpringKafkaAreHandled() throws Exception {
    runs.await("spring-kafka-in");
  }

  @Test
  void springKafkaReadsWhatIsPublished() throws Exception {
    runs.await("spring-kafka-out");
  }

  @Test
  void kafkajsReadsWhatIsPublished() throws Exception {
    runs.await("kafkajs-out");
  }

  @Test
  void kafkaPythonReadsWhatIsPublished() throws Exception {
    runs.await("kafka-python-out");
  }

  @Test
  void confluentKafkaReadsWhatIsPublished() throws Exception {
    runs.await("confluent-out");
  }

  /** The foreign program sends, commslib handles. */
  private static void in(
      Exchange exchange, @Nullable MessageFormat format, String program, Map<String, String> more)
      throws Exception {
    Destination topic = declared(exchange, format);
    try (Subscription subscription = subscribe(exchange, topic);
        ForeignProgram sender = start(exchange, program, more)) {
      sender.awaitEnd(LIMIT);
      awaitHandled(exchange, topic);
    }
  }

  private static Subscription subscribe(Exchange exchange, Destination topic) {
    return transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(topic, GROUP).build(),
            delivery -> {
              exchange.received(delivery);
              return Settlement.done();
            });
  }

  private static void awaitHandled(Exchange exchange, Destination topic) {
    exchange.sent();
    exchange.awaitReceived(() -> true);
    assertThat(transport.deadLetters().list(topic, GROUP, 10)).isEmpty();
  }

  /** Commslib publishes, the foreign program reads. */
  private static void out(Exchange exchange, @Nullable MessageFormat format, String program) {
    Destination topic = declared(exchange, format);
    try (ForeignProgram reader = start(exchange, program, Map.of())) {
      publishAll(exchange, topic);
      awaitReceived(exchange, reader);
    }
  }

  private static MessageFormat plain() {
    // snippet: plain-json
    MessageFormat orders =
        PlainFormat.json().type("order.created").id(field("eventId")).key(recordKey()).build();
    // end
    return orders;
  }

  private static MessageFormat spring() {
    // snippet: spring-json
    MessageFormat orders =
        PlainFormat.json()
            .springTypes(Map.of("io.commslib.examples.neighbours.OrderCreated", "order.created"))
            .id(field("eventId"))
            .build();
    // end
    return orders;
  }

  private static void fromSpring(Exchange exchange) {
    Destination topic = declared(exchange, spring());
    try (Subscription subscription = subscribe(exchange, topic)) {
      SpringKafkaService.send(servers, exchange.name(), exchange.springOrders());
      awaitHandled(exchange, topic);
    }
  }

  private static void toSpring(Exchange exchange) {
    Destination topic = declared(exchange, spring());
    try (SpringKafkaService service =
        new SpringKafkaService(servers, exchange.name(), exchange.name(), exchange::received)) {
      publishAll(exchange, topic);
      exchange.awaitReceived(() -> true);
    }
  }

  private static Destination declared(Exchange exchange, @Nullable MessageFormat format) {
    Destination topic = Destination.topic(exchange.name());
    DestinationConfig.Builder config = DestinationConfig.builder(topic).partitions(6).optional();
    if (format != null) {
      config.format(format);
    }
    transport.declare(config.build());
    return topic;
  }

  private static void publishAll(Exchange exchange, Destination topic) {
    List<CompletableFuture<?>> receipts = new ArrayList<>();
    for (int i = 0; i < Exchange.COUNT; i++) {
      receipts.add(transport.publisher().publish(topic, exchange.message(i)).toCompletableFuture());
    }
    CompletableFuture.allOf(receipts.toArray(CompletableFuture[]::new)).join();
    exchange.sent();
  }

  private static void awaitReceived(Exchange exchange, ForeignProgram reader) {
    try {
      exchange.awaitReceived(reader::isRunning);
    } catch (AssertionError e) {
      throw new AssertionError(e.getMessage() + "; it printed:\n" + reader.output(), e);
    }
  }

  private static ForeignProgram start(Exchange exchange, String program, Map<String, String> more) {
    Map<String, String> environment = new HashMap<>(exchange.orders());
    environment.putAll(
        Map.of("KAFKA_BROKERS", servers, "TOPIC", exchange.name(), "GROUP", exchange.name()));
    environment.putAll(more);
    return ForeignProgram.start(program, environment, exchange::received);
  }
}
