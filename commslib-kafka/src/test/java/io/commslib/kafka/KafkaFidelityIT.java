package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Any record is dead-lettered, deferred and redriven byte for byte. */
class KafkaFidelityIT {

  private static final byte[] NUMBER = ByteBuffer.allocate(8).putLong(7).array();
  private static final byte[] NO_TEXT = {(byte) 0xff, 0, (byte) 0xc3, '\n'};

  private static KafkaServer server;
  private static KafkaTransport transport;
  private static KafkaProducer<byte[], byte[]> producer;
  private static int number;

  @BeforeAll
  static void start() {
    server = KafkaServer.shared();
    transport =
        KafkaTransport.create(KafkaTransportConfig.builder(server.bootstrapServers()).build());
    producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", server.bootstrapServers()),
            new ByteArraySerializer(),
            new ByteArraySerializer());
  }

  @AfterAll
  static void stop() {
    producer.close();
    transport.close();
  }

  /** Records with parts that text can't represent. */
  private enum Shape {
    TEXT_KEY(bytes("customer-7"), bytes("body"), headers -> {}),
    NO_KEY(null, bytes("body"), headers -> {}),
    EMPTY_KEY(new byte[0], bytes("body"), headers -> {}),
    NUMBER_AS_KEY(NUMBER, bytes("body"), headers -> {}),
    KEY_THAT_IS_NO_UTF_8(NO_TEXT, bytes("body"), headers -> {}),
    KEY_WITH_A_REPLACEMENT_CHARACTER(bytes("a\uFFFD"), bytes("body"), headers -> {}),
    LONG_KEY(filled(2_000), bytes("body"), headers -> {}),
    TOMBSTONE(bytes("k"), null, headers -> {}),
    EMPTY_BODY(bytes("k"), new byte[0], headers -> {}),
    BODY_THAT_IS_NO_UTF_8(bytes("k"), NO_TEXT, headers -> {}),
    BINARY_HEADER(bytes("k"), bytes("body"), headers -> headers.add("raw", NO_TEXT)),
    HEADER_WITHOUT_VALUE(bytes("k"), bytes("body"), headers -> headers.add("none", null)),
    EMPTY_HEADER(bytes("k"), bytes("body"), headers -> headers.add("empty", new byte[0])),
    REPEATED_HEADER(
        bytes("k"),
        bytes("body"),
        headers -> headers.add("a", bytes("1")).add("b", bytes("2")).add("a", NO_TEXT)),
    HEADER_REPEATED_AFTER_NONE(
        bytes("k"), bytes("body"), headers -> headers.add("a", null).add("a", bytes("1"))),
    HEADERS_OF_ANY_NAME(
        bytes("k"),
        bytes("body"),
        headers -> headers.add("X-Tenant", bytes("ä")).add("", bytes("1")).add("ü", bytes("2"))),
    HEADER_WITH_CONTROL_CHARACTERS(
        bytes("k"), bytes("body"), headers -> headers.add("c", bytes("a\r\nb\u0000")));

    private final byte @Nullable [] key;
    private final byte @Nullable [] body;
    private final Consumer<Headers> headers;

    Shape(byte @Nullable [] key, byte @Nullable [] body, Consumer<Headers> headers) {
      this.key = key;
      this.body = body;
      this.headers = headers;
    }
  }

  /** The sequences of operations that write a record again. */
  private enum RewritePath {
    /** Dead-lettered by its handler, redriven. */
    CLOUD_EVENT,
    /** Dead-lettered because it can't be read, redriven. */
    RECORD_THAT_IS_NO_EVENT,
    /** Redriven, dead-lettered again and redriven again. */
    TWICE,
    /** Deferred to a delay topic, dead-lettered from there, redriven. */
    OVER_A_DELAY_TOPIC
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] filled(int length) {
    byte[] key = new byte[length];
    Arrays.fill(key, (byte) 'k');
    return key;
  }

  @ParameterizedTest
  @EnumSource(RewritePath.class)
  void recordsAreDeadLetteredAndRedrivenByteForByte(RewritePath path) throws Exception {
    Destination orders = Destination.topic("fidelity-" + ++number);
    transport.declare(DestinationConfig.builder(orders).partitions(1).group("g").build());
    List<ProducerRecord<byte[], byte[]>> sent = new ArrayList<>();
    for (Shape shape : Shape.values()) {
      ProducerRecord<byte[], byte[]> record =
          new ProducerRecord<>(orders.name(), shape.key, shape.body);
      if (path != RewritePath.RECORD_THAT_IS_NO_EVENT) {
        record.headers().add("ce_specversion", bytes("1.0")).add("ce_type", bytes("t"));
        record.headers().add("ce_id", bytes(shape.name())).add("ce_source", bytes("/foreign"));
      }
      shape.headers.accept(record.headers());
      sent.add(record);
      producer.send(record).get();
    }
    try (Subscription subscription = subscribe(orders, path)) {
      awaitDead(subscription, sent.size());
      redrive(orders, sent.size());
      if (path == RewritePath.TWICE) {
        awaitDead(subscription, 2 * sent.size());
        assertThat(transport.deadLetters().list(orders, "g", 100))
            .allMatch(letter -> letter.redriveCount() == 1);
        redrive(orders, sent.size());
      }
      Await.until(
          "handled or dead-lettered again",
          Duration.ofSeconds(30),
          () -> settled(subscription) == expected(path, sent.size()));
    }
    int times = path == RewritePath.TWICE ? 2 : 1;
    List<String> redriven =
        read(orders.name() + ".g.redrive", sent.size() * times).stream()
            .map(record -> text(record.key(), record.value(), record.headers()))
            .toList();
    List<String> originals =
        sent.stream().map(record -> text(record.key(), record.value(), record.headers())).toList();
    List<String> expected = new ArrayList<>(originals);
    if (times == 2) {
      expected.addAll(originals);
    }
    assertThat(redriven).containsExactlyInAnyOrderElementsOf(expected);
  }

  private static long settled(Subscription subscription) {
    return subscription.snapshot().count(Count.DONE)
        + subscription.snapshot().count(Count.DEAD_LETTERED);
  }

  private static long expected(RewritePath path, int records) {
    return path == RewritePath.TWICE ? 3L * records : 2L * records;
  }

  private static Subscription subscribe(Destination orders, RewritePath path) {
    SubscriptionConfig.Builder config =
        SubscriptionConfig.builder(orders, "g").withoutDeadLetterBreaker().maxUnreadable(0);
    if (path == RewritePath.OVER_A_DELAY_TOPIC) {
      config
          .unordered()
          .retry(RetrySchedule.builder().attemptsAtOnce(1).delays(Duration.ofMillis(1)).build());
    }
    return transport
        .subscriber()
        .subscribe(
            config.build(),
            delivery -> {
              if (path == RewritePath.OVER_A_DELAY_TOPIC && delivery.redriveCount() == 0) {
                return Settlement.retry();
              }
              int deaths = path == RewritePath.TWICE ? 2 : 1;
              return delivery.redriveCount() < deaths
                  ? Settlement.deadLetter("no")
                  : Settlement.done();
            });
  }

  private static void awaitDead(Subscription subscription, int count) {
    Await.until(
        count + " dead letters",
        Duration.ofSeconds(30),
        () -> subscription.snapshot().count(Count.DEAD_LETTERED) == count);
  }

  private static void redrive(Destination orders, int count) {
    assertThat(transport.deadLetters().redrive(orders, "g", letter -> true)).isEqualTo(count);
  }

  /** A record as text, without the headers that the library adds to a letter. */
  private static String text(byte @Nullable [] key, byte @Nullable [] body, Headers headers) {
    String shown =
        Stream.of(headers.toArray())
            .filter(header -> !header.key().equals("commslib-redrive-count"))
            .map(header -> header.key() + "=" + Arrays.toString(header.value()))
            .toList()
            .toString();
    return Arrays.toString(key) + Arrays.toString(body) + shown;
  }

  private static List<ConsumerRecord<byte[], byte[]>> read(String topic, int count) {
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", server.bootstrapServers(), "auto.offset.reset", "earliest"),
            new ByteArrayDeserializer(),
            new ByteArrayDeserializer())) {
      consumer.assign(List.of(new TopicPartition(topic, 0)));
      List<ConsumerRecord<byte[], byte[]>> records = new ArrayList<>();
      Await.until(
          "records of " + topic,
          Duration.ofSeconds(30),
          () -> {
            consumer.poll(Duration.ofMillis(100)).forEach(records::add);
            return records.size() >= count;
          });
      return records;
    }
  }

  @Test
  void binaryKeysKeepOrderAndAreDistinguished() throws Exception {
    Destination orders = Destination.topic("fidelity-keys");
    transport.declare(DestinationConfig.builder(orders).partitions(1).group("g").build());
    for (byte[] key : new byte[][] {{(byte) 0xff}, {(byte) 0xfe}, {(byte) 0xff}}) {
      ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(orders.name(), key, key);
      record.headers().add("ce_specversion", bytes("1.0")).add("ce_type", bytes("t"));
      record.headers().add("ce_id", bytes("id")).add("ce_source", bytes("/" + key[0]));
      producer.send(record).get();
    }
    List<String> keys = new ArrayList<>();
    try (Subscription subscription =
        transport
            .subscriber()
            .subscribe(
                SubscriptionConfig.builder(orders, "g").build(),
                delivery -> {
                  assertThat(delivery.message().key().orElse("")).startsWith("hex:f");
                  return Settlement.deadLetter("no");
                })) {
      awaitDead(subscription, 3);
      transport.deadLetters().list(orders, "g", 10).stream()
          .map(letter -> letter.key().orElse(""))
          .forEach(keys::add);
    }
    assertThat(keys).containsExactlyInAnyOrder("hex:ff", "hex:fe", "hex:ff");
  }
}
