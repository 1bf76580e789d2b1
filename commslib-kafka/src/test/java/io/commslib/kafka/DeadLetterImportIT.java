package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TransportException;
import io.commslib.jackson.PlainFormat;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class DeadLetterImportIT {

  private static final String THEIR_TOPIC = "orders-dlt";
  private static final KafkaServer SERVER = KafkaServer.shared();
  private static KafkaTransport transport;

  @BeforeAll
  static void start() {
    transport =
        KafkaTransport.create(KafkaTransportConfig.builder(SERVER.bootstrapServers()).build());
  }

  @AfterAll
  static void stop() {
    transport.close();
  }

  @Test
  void deadLettersOfSpringAndSmallRyeAreListedWithTheirCauseAndRedriven() throws Exception {
    Destination orders = Destination.queue("imports");
    transport.declare(DestinationConfig.builder(orders).build());
    List<String> handled = new CopyOnWriteArrayList<>();
    transport
        .subscriber()
        .subscribe(
            SubscriptionConfig.builder(orders).build(),
            delivery -> {
              handled.add(delivery.message().id() + " of " + delivery.redriveCount());
              return Settlement.done();
            });
    produce(THEIR_TOPIC, spring(), smallRye(), unknown());
    assertThat(transport.importDeadLetters(THEIR_TOPIC, orders, "main", 2)).isEqualTo(2);
    assertThat(transport.importDeadLetters(THEIR_TOPIC, orders, "main", 100)).isEqualTo(1);
    assertThat(transport.importDeadLetters(THEIR_TOPIC, orders, "main", 100)).isZero();

    Map<String, DeadLetter> letters =
        transport.deadLetters().list(orders, "main", 100).stream()
            .collect(Collectors.toMap(DeadLetter::messageId, letter -> letter));
    DeadLetter spring = letters.get("s1");
    assertThat(spring.fingerprint()).isEqualTo("java.lang.IllegalStateException");
    assertThat(spring.attempts()).isEqualTo(4);
    assertThat(spring.cause())
        .containsEntry("position", "orders-3@4294967297")
        .containsEntry("last-cause", "java.lang.IllegalStateException: no stock")
        .containsEntry("received-at", "1970-01-01T00:00:01Z");
    assertThat(spring.redriveCount()).as("a foreign commslib header is not trusted").isZero();
    assertThat(spring.message().orElseThrow().headers()).containsOnlyKeys("tenant");
    DeadLetter smallRye = letters.get("r1");
    assertThat(smallRye.fingerprint()).isEqualTo("com.acme.PriceException");
    assertThat(smallRye.attempts()).isEqualTo(2);
    assertThat(smallRye.cause())
        .containsEntry("position", "orders-1@7")
        .containsEntry("last-cause", "com.acme.PriceException: no price");
    DeadLetter unknown = letters.get(THEIR_TOPIC + "-0@2");
    assertThat(unknown.reason()).isEqualTo("unknown");
    assertThat(unknown.message()).isEmpty();

    // A client that knows no topic yet, as that of an operator.
    try (KafkaTransport operator =
        KafkaTransport.create(KafkaTransportConfig.builder(SERVER.bootstrapServers()).build())) {
      assertThat(
              operator
                  .deadLetters()
                  .redrive(orders, "main", letter -> letter.message().isPresent()))
          .isEqualTo(2);
    }
    Await.until("redriven", Duration.ofSeconds(60), () -> handled.size() == 2);
    assertThat(handled).containsExactlyInAnyOrder("s1 of 1", "r1 of 1");
    assertThat(transport.deadLetters().list(orders, "main", 100)).hasSize(1);
  }

  @Test
  void anImportedLetterWithoutIdIsIdentifiedByTheTopicItIsCopiedFrom() throws Exception {
    Destination orders = Destination.topic("plain-imports");
    List<String> handled = new CopyOnWriteArrayList<>();
    ProducerRecord<byte[], byte[]> plain =
        new ProducerRecord<>("plain-dlt", 0, bytes("k"), bytes("{}"));
    header(plain, "kafka_dlt-original-topic", bytes("plain.bound"));
    header(plain, "kafka_dlt-original-partition", number(4, 0));
    header(plain, "kafka_dlt-original-offset", number(8, 7));
    header(plain, "commslib-record-id", bytes("forged"));
    header(plain, "commslib-headers", bytes("{}"));
    byte[] noText = {(byte) 0xff};
    header(plain, "raw", noText);
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", SERVER.bootstrapServers()));
        KafkaTransport bound =
            KafkaTransport.create(
                KafkaTransportConfig.builder(SERVER.bootstrapServers())
                    .bind(orders, KafkaBinding.topic("plain.bound"))
                    .build())) {
      bound.declare(
          DestinationConfig.builder(orders)
              .partitions(1)
              .format(PlainFormat.json().type("t").build())
              .build());
      bound
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(orders, "g").build(),
              delivery -> {
                handled.add(
                    delivery.message().identity()
                        + delivery.record().headers().stream()
                            .map(
                                header ->
                                    header.name()
                                        + HexFormat.of().formatHex((byte[]) header.value()))
                            .toList());
                return Settlement.done();
              });
      produce("plain-dlt", plain);
      assertThat(bound.importDeadLetters("plain-dlt", orders, "g", 9)).isEqualTo(1);
      String id =
          admin
                  .describeTopics(List.of("plain-dlt"))
                  .allTopicNames()
                  .get()
                  .get("plain-dlt")
                  .topicId()
              + ":0:0";
      Message expected = Message.builder("t").id(id).source("plain.bound").build();
      assertThat(bound.deadLetters().list(orders, "g", 9))
          .extracting(DeadLetter::identity)
          .containsExactly(expected.identity());
      assertThat(bound.deadLetters().redrive(orders, "g", letter -> true)).isEqualTo(1);
      Await.until("redriven", Duration.ofSeconds(60), () -> !handled.isEmpty());
      assertThat(handled).containsExactly(expected.identity() + "[commslib-headers7b7d, rawff]");
    }
  }

  @Test
  void anUnknownGroupIsRejected() {
    Destination unknown = Destination.queue("no-group");
    assertThatThrownBy(() -> transport.importDeadLetters(THEIR_TOPIC, unknown, "main", 1))
        .isInstanceOf(TransportException.class)
        .hasMessageContaining("group: main (expected: one that has a topic ");
  }

  private static ProducerRecord<byte[], byte[]> spring() {
    ProducerRecord<byte[], byte[]> record = cloudEvent("s1");
    header(record, "kafka_dlt-original-topic", bytes("earlier"));
    header(record, "kafka_dlt-original-topic", bytes("orders"));
    header(record, "kafka_dlt-original-partition", number(4, 3));
    header(record, "kafka_dlt-original-offset", number(8, 4_294_967_297L));
    header(record, "kafka_dlt-original-timestamp", number(8, 1_000));
    header(record, "kafka_dlt-exception-fqcn", bytes("java.lang.IllegalStateException"));
    header(record, "kafka_dlt-exception-message", bytes("no stock"));
    header(record, "retry_topic-attempts", number(4, 4));
    header(record, "commslib-redrive-count", bytes("99"));
    return record;
  }

  private static ProducerRecord<byte[], byte[]> smallRye() {
    ProducerRecord<byte[], byte[]> record = cloudEvent("r1");
    header(record, "dead-letter-reason", bytes("no price"));
    header(record, "dead-letter-exception-class-name", bytes("com.acme.PriceException"));
    header(record, "dead-letter-topic", bytes("orders"));
    header(record, "dead-letter-partition", bytes("1"));
    header(record, "dead-letter-offset", bytes("7"));
    header(record, "delayed-retry-count", bytes("2"));
    return record;
  }

  private static ProducerRecord<byte[], byte[]> unknown() {
    return new ProducerRecord<>(THEIR_TOPIC, 0, bytes("k"), bytes("not ours"));
  }

  private static ProducerRecord<byte[], byte[]> cloudEvent(String id) {
    ProducerRecord<byte[], byte[]> record =
        new ProducerRecord<>(THEIR_TOPIC, 0, bytes("k"), bytes("{}"));
    header(record, "ce_specversion", bytes("1.0"));
    header(record, "ce_id", bytes(id));
    header(record, "ce_type", bytes("shop.order"));
    header(record, "ce_source", bytes("/shop"));
    header(record, "tenant", bytes("a"));
    return record;
  }

  private static void header(ProducerRecord<byte[], byte[]> record, String name, byte[] value) {
    record.headers().add(name, value);
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] number(int length, long value) {
    ByteBuffer buffer = ByteBuffer.allocate(length);
    return (length == Integer.BYTES ? buffer.putInt((int) value) : buffer.putLong(value)).array();
  }

  @SafeVarargs
  private static void produce(String topic, ProducerRecord<byte[], byte[]>... records)
      throws Exception {
    Map<String, Object> settings = Map.of("bootstrap.servers", SERVER.bootstrapServers());
    try (Admin admin = Admin.create(settings);
        KafkaProducer<byte[], byte[]> producer =
            new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
      for (ProducerRecord<byte[], byte[]> record : records) {
        producer.send(record).get();
      }
    }
  }
}
