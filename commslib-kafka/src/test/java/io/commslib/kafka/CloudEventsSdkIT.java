package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.cloudevents.CloudEvent;
import io.cloudevents.core.builder.CloudEventBuilder;
import io.cloudevents.core.message.Encoding;
import io.cloudevents.jackson.JsonFormat;
import io.cloudevents.kafka.CloudEventDeserializer;
import io.cloudevents.kafka.CloudEventSerializer;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.jackson.CloudEventsJson;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The CloudEvents SDK reads what the library writes, and the library reads what it writes. */
class CloudEventsSdkIT {

  private static final Instant TIME = Instant.parse("2026-03-04T05:06:07Z");
  private final String servers = KafkaServer.shared().bootstrapServers();

  private KafkaTransport transport() {
    return KafkaTransport.create(
        KafkaTransportConfig.builder(servers).structuredEvents(CloudEventsJson.create()).build());
  }

  @Test
  void theSdkReadsWhatIsPublished() {
    Destination topic = Destination.topic("to-sdk");
    try (KafkaTransport transport = transport()) {
      transport.declare(DestinationConfig.builder(topic).partitions(1).optional().build());
      transport
          .publisher()
          .publish(
              topic,
              Message.builder("shop.order.placed")
                  .id("m1")
                  .source("/shop")
                  .subject("order/1")
                  .time(TIME)
                  .key("k1")
                  .correlationId("c1")
                  .contentType("application/json")
                  .header("tenant", "a")
                  .body("{\"n\":1}".getBytes(StandardCharsets.UTF_8))
                  .build())
          .toCompletableFuture()
          .join();
    }
    CloudEvent event = firstOf("to-sdk");
    assertThat(event.getId()).isEqualTo("m1");
    assertThat(event.getType()).isEqualTo("shop.order.placed");
    assertThat(event.getSource()).isEqualTo(URI.create("/shop"));
    assertThat(event.getSubject()).isEqualTo("order/1");
    assertThat(Objects.requireNonNull(event.getTime()).toInstant()).isEqualTo(TIME);
    assertThat(event.getDataContentType()).isEqualTo("application/json");
    assertThat(event.getExtension("partitionkey")).isEqualTo("k1");
    assertThat(event.getExtension("correlationid")).isEqualTo("c1");
    assertThat(Objects.requireNonNull(event.getData()).toBytes())
        .isEqualTo("{\"n\":1}".getBytes(StandardCharsets.UTF_8));
  }

  private CloudEvent firstOf(String topic) {
    Map<String, Object> settings =
        Map.of("bootstrap.servers", servers, "group.id", "sdk", "auto.offset.reset", "earliest");
    try (KafkaConsumer<String, CloudEvent> consumer =
        new KafkaConsumer<>(settings, new StringDeserializer(), new CloudEventDeserializer())) {
      consumer.subscribe(List.of(topic));
      CloudEvent[] found = new CloudEvent[1];
      Await.until(
          "the SDK has read it",
          Duration.ofSeconds(30),
          () -> {
            for (ConsumerRecord<String, CloudEvent> record :
                consumer.poll(Duration.ofMillis(100))) {
              found[0] = record.value();
            }
            return found[0] != null;
          });
      return found[0];
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Encoding.class,
      names = {"BINARY", "STRUCTURED"})
  void whatTheSdkWritesIsHandled(Encoding mode) throws Exception {
    Destination topic =
        Destination.topic("from-sdk-" + mode.name().toLowerCase(java.util.Locale.ROOT));
    List<Message> handled = new CopyOnWriteArrayList<>();
    try (KafkaTransport transport = transport()) {
      transport.declare(DestinationConfig.builder(topic).partitions(1).group("g").build());
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(topic, "g").build(),
              delivery -> {
                handled.add(delivery.message());
                return Settlement.done();
              });
      CloudEvent event =
          CloudEventBuilder.v1()
              .withId("e1")
              .withType("shop.order.placed")
              .withSource(URI.create("/shop"))
              .withSubject("order/1")
              .withTime(OffsetDateTime.ofInstant(TIME, ZoneOffset.ofHours(2)))
              .withDataContentType("application/json")
              .withExtension("correlationid", "c1")
              .withExtension("partitionkey", "k1")
              .withData("{\"n\":1}".getBytes(StandardCharsets.UTF_8))
              .build();
      produce(topic.name(), event, mode);
      Await.until("handled", Duration.ofSeconds(30), () -> handled.size() == 1);
    }
    Message message = handled.get(0);
    assertThat(message.id()).isEqualTo("e1");
    assertThat(message.type()).isEqualTo("shop.order.placed");
    assertThat(message.source()).isEqualTo("/shop");
    assertThat(message.subject()).contains("order/1");
    assertThat(message.time()).contains(TIME);
    assertThat(message.correlationId()).contains("c1");
    assertThat(message.key()).contains("k1");
    assertThat(message.contentType()).startsWith("application/json");
    assertThat(new String(message.body(), StandardCharsets.UTF_8)).isEqualTo("{\"n\":1}");
  }

  private void produce(String topic, CloudEvent event, Encoding mode) throws Exception {
    CloudEventSerializer serializer = new CloudEventSerializer();
    Map<String, Object> format = new HashMap<>();
    format.put(CloudEventSerializer.ENCODING_CONFIG, mode);
    if (mode == Encoding.STRUCTURED) {
      format.put(CloudEventSerializer.EVENT_FORMAT_CONFIG, JsonFormat.CONTENT_TYPE);
    }
    serializer.configure(format, false);
    try (KafkaProducer<String, CloudEvent> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", servers), new StringSerializer(), serializer)) {
      producer.send(new ProducerRecord<>(topic, "k1", event)).get();
    }
  }
}
