package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.CodecException;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.StartPosition;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;

/** Records without an id are identified by the id of their topic, their partition and offset. */
class TopicIdentityIT {

  private static final String SERVERS = KafkaServer.shared().bootstrapServers();
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private record Handled(String body, String id, int redrives) {}

  private final List<Handled> handled = new CopyOnWriteArrayList<>();

  /** Takes the body for everything but the id. */
  private static final class BodyFormat implements MessageFormat {
    @Override
    public String name() {
      return "body";
    }

    @Override
    public Message read(ForeignRecord record) {
      String id =
          record
              .assignedId()
              .orElseThrow(() -> new CodecException("COMMS-CORE-022", "id: none", null));
      return Message.builder("t").id(id).source(record.boundName()).body(record.body()).build();
    }

    @Override
    public ForeignRecord write(Message message) {
      throw new CodecException("COMMS-CORE-023", "not written", null);
    }

    @Override
    public boolean alwaysFindsId() {
      return false;
    }
  }

  private static void publish(String topic, String... bodies) throws Exception {
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", SERVERS),
            new ByteArraySerializer(),
            new ByteArraySerializer())) {
      for (String body : bodies) {
        producer.send(new ProducerRecord<>(topic, body.getBytes(StandardCharsets.UTF_8))).get();
      }
    }
  }

  private static String id(Admin admin, String topic) throws Exception {
    return admin
        .describeTopics(List.of(topic))
        .topicNameValues()
        .get(topic)
        .get()
        .topicId()
        .toString();
  }

  private List<String> bodies() {
    return handled.stream().map(Handled::body).toList();
  }

  @Test
  void aRecreatedTopicRepeatsNoId() throws Exception {
    String topic = "recreated";
    Destination orders = Destination.topic(topic);
    NewTopic one = new NewTopic(topic, 1, (short) 1);
    try (Admin admin = Admin.create(Map.of("bootstrap.servers", SERVERS));
        KafkaTransport transport =
            KafkaTransport.create(
                KafkaTransportConfig.builder(SERVERS)
                    .clientSetting("metadata.max.age.ms", 500)
                    .build())) {
      admin.createTopics(List.of(one)).all().get();
      Await.until("topic", LIMIT, () -> exists(admin, topic));
      transport.declare(
          DestinationConfig.builder(orders).partitions(1).format(new BodyFormat()).build());
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(orders, "g").startAt(StartPosition.EARLIEST).build(),
              delivery -> {
                handled.add(
                    new Handled(
                        new String(delivery.message().body(), StandardCharsets.UTF_8),
                        delivery.message().id(),
                        delivery.redriveCount()));
                return delivery.redriveCount() == 0
                        && handled.get(handled.size() - 1).body().startsWith("bad")
                    ? Settlement.deadLetter("no")
                    : Settlement.done();
              });
      publish(topic, "m0", "bad1", "m2");
      Await.until("first", LIMIT, () -> bodies().containsAll(List.of("m0", "bad1", "m2")));
      String first = id(admin, topic);
      assertThat(handled.stream().map(Handled::id))
          .containsExactlyInAnyOrder(first + ":0:0", first + ":0:1", first + ":0:2");
      Await.until("letter", LIMIT, () -> transport.deadLetters().list(orders, "g", 9).size() == 1);
      assertThat(transport.deadLetters().redrive(orders, "g", letter -> true)).isEqualTo(1);
      Await.until("redriven", LIMIT, () -> handled.size() == 4);
      assertThat(handled.get(3)).isEqualTo(new Handled("bad1", first + ":0:1", 1));

      admin.deleteTopics(Set.of(topic)).all().get();
      Await.until("deleted", LIMIT, () -> !exists(admin, topic));
      admin.createTopics(List.of(one)).all().get();
      Await.until("topic again", LIMIT, () -> exists(admin, topic));
      publish(topic, "n0", "n1");
      Await.until("second", LIMIT, () -> bodies().containsAll(List.of("n0", "n1")));
      String second = id(admin, topic);
      assertThat(second).isNotEqualTo(first);
      assertThat(handled.stream().map(Handled::id).skip(4))
          .containsExactlyInAnyOrder(second + ":0:0", second + ":0:1");
    }
  }

  private static boolean exists(Admin admin, String topic) {
    try {
      return admin.listTopics().names().get().contains(topic);
    } catch (Exception e) {
      return false;
    }
  }

  @Test
  void aTopicWithoutIdIsRefusedOnlyIfAFormatNeedsOne() {
    TopicIds needed =
        TopicIds.of(new BodyFormat(), LIMIT, (topics, limit) -> Map.of("t", Uuid.ZERO_UUID));
    assertThatThrownBy(() -> needed.require("t"))
        .hasMessage(
            "COMMS-KAFKA-016: topic t id: none (expected: a broker that gives topics ids, or a"
                + " format that finds an id in each record or takes the topic's name)");
    assertThatThrownBy(() -> needed.of(Set.of("t"))).isInstanceOf(KafkaException.class);
    TopicIds unused = TopicIds.of(null, LIMIT, (topics, limit) -> Map.of());
    assertThat(unused.areNeeded()).isFalse();
    assertThat(unused.require("t")).isNull();
  }
}
