package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.config.TopicConfig;
import org.junit.jupiter.api.Test;

/** The topics of a group: what the library sets, and what it checks. */
class OwnTopicsIT {

  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final String SERVERS = KafkaServer.shared().bootstrapServers();

  private static KafkaTransport transport() {
    return KafkaTransport.create(
        KafkaTransportConfig.builder(SERVERS).maxMessageBytes(2 * 1024 * 1024).build());
  }

  @Test
  void theCleanupPolicyIsSetWhateverTheBrokersDefault() throws Exception {
    Destination queue = Destination.queue("policies");
    SubscriptionConfig config = SubscriptionConfig.builder(queue).unordered().build();
    try (KafkaTransport transport = transport();
        Admin admin = Admin.create(Map.of("bootstrap.servers", SERVERS))) {
      transport.declare(DestinationConfig.builder(queue).partitions(1).build());
      transport.subscriber().subscribe(config, delivery -> Settlement.done());
      Set<String> topics = ConcurrentHashMap.newKeySet();
      for (String topic : admin.listTopics().names().get()) {
        if (topic.startsWith("policies.")) {
          topics.add(topic);
          ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
          var policy =
              admin
                  .describeConfigs(List.of(resource))
                  .all()
                  .get()
                  .get(resource)
                  .get(TopicConfig.CLEANUP_POLICY_CONFIG);
          assertThat(policy.isDefault()).as(topic).isFalse();
          assertThat(policy.value())
              .as(topic)
              .isEqualTo(topic.endsWith(".dlq") ? "compact" : "delete");
        }
      }
      assertThat(topics).hasSizeGreaterThan(3).anyMatch(topic -> topic.contains(".delay-"));
    }
  }

  @Test
  void theLargestMessageAndItsDeadLetterFit() throws Exception {
    Destination queue = Destination.queue("largest");
    // The library's default sends one record in a batch of its own if it is large.
    Message.Builder message =
        Message.builder("t".repeat(128)).id("i".repeat(128)).key("\u20ac".repeat(256));
    byte[] body = new byte[2 * 1024 * 1024];
    new Random(3).nextBytes(body);
    message.body(body).subject("\u20ac".repeat(256)).correlationId("c".repeat(128));
    for (int i = 0; i < 4; i++) {
      message.header("h" + i, "\u20ac".repeat(8_190));
    }
    String reason = "\u20ac".repeat(4_000);
    List<Message> handled = new CopyOnWriteArrayList<>();
    try (KafkaTransport transport = transport()) {
      transport.declare(DestinationConfig.builder(queue).partitions(1).build());
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(queue).build(),
              delivery -> {
                handled.add(delivery.message());
                return delivery.redriveCount() == 0
                    ? Settlement.deadLetter(reason)
                    : Settlement.done();
              });
      transport.publisher().publish(queue, message.build()).toCompletableFuture().join();
      Await.until(
          "a letter", LIMIT, () -> transport.deadLetters().list(queue, "main", 1).size() == 1);
      DeadLetter letter = transport.deadLetters().list(queue, "main", 1).get(0);
      assertThat(letter.cause()).doesNotContainKey("cut");
      assertThat(letter.message().orElseThrow().headers()).hasSize(4);
      assertThat(transport.deadLetters().redrive(queue, "main", any -> true)).isEqualTo(1);
      Await.until("redriven", LIMIT, () -> handled.size() == 2);
      assertThat(handled.get(1).body()).isEqualTo(body);
    }
  }

  @Test
  void createdTopicsTakeTheLimitOfTheirSource() throws Exception {
    Destination queue = Destination.queue("limits");
    try (KafkaTransport transport = transport();
        Admin admin = Admin.create(Map.of("bootstrap.servers", SERVERS))) {
      transport.declare(DestinationConfig.builder(queue).partitions(1).build());
      assertThat(maxBytes(admin, "limits.queue")).isEqualTo(2 * 1024 * 1024 + 128 * 1024);
      assertThat(maxBytes(admin, "limits.queue.main.dlq"))
          .isEqualTo(2 * 1024 * 1024 + 160 * 1024)
          .isEqualTo(maxBytes(admin, "limits.queue.main.redrive"));
      Map<String, String> larger = Map.of(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, "5000000");
      NewTopic operators = new NewTopic("operators", 1, (short) 1).configs(larger);
      admin.createTopics(List.of(operators)).all().get();
      transport.declare(
          DestinationConfig.builder(Destination.topic("operators"))
              .partitions(1)
              .group("g")
              .build());
      assertThat(maxBytes(admin, "operators.g.dlq")).isEqualTo(5_000_000 + 32 * 1024);
    }
  }

  private static int maxBytes(Admin admin, String topic) throws Exception {
    ConfigResource resource = new ConfigResource(ConfigResource.Type.TOPIC, topic);
    return Integer.parseInt(
        admin
            .describeConfigs(List.of(resource))
            .all()
            .get()
            .get(resource)
            .get(TopicConfig.MAX_MESSAGE_BYTES_CONFIG)
            .value());
  }

  @Test
  void verifyOnlyRequiresTheTopicsOfTheGroupToo() throws Exception {
    Destination queue = Destination.queue("verified");
    DestinationConfig config = DestinationConfig.builder(queue).verifyOnly().build();
    try (KafkaTransport transport = transport();
        Admin admin = Admin.create(Map.of("bootstrap.servers", SERVERS))) {
      String main = KafkaNames.topic(queue);
      for (String topic :
          List.of(main, KafkaNames.deadLetters(queue, "main"), KafkaNames.redrive(queue, "main"))) {
        assertThatThrownBy(() -> transport.declare(config))
            .hasMessage(
                "COMMS-KAFKA-002: "
                    + (topic.equals(main) ? queue : "topic " + topic + " of group main")
                    + " does not exist (expected: it does, "
                    + (topic.equals(main) ? "it" : queue)
                    + " was declared verify-only)");
        admin.createTopics(List.of(new NewTopic(topic, 1, (short) 1))).all().get();
        Await.until(
            topic,
            LIMIT,
            () -> {
              try {
                return admin.listTopics().names().get().contains(topic);
              } catch (Exception e) {
                return false;
              }
            });
      }
      transport.declare(config);
      SubscriptionConfig delaying = SubscriptionConfig.builder(queue).unordered().build();
      assertThatThrownBy(
              () -> transport.subscriber().subscribe(delaying, delivery -> Settlement.done()))
          .hasMessageStartingWith("COMMS-KAFKA-002")
          .hasMessageContaining(".delay-");
      assertThatThrownBy(
              () ->
                  transport.declare(
                      DestinationConfig.builder(queue).partitions(3).verifyOnly().build()))
          .hasMessage(
              "COMMS-KAFKA-002: queue:verified partitions: 3 (expected: 1, as the topic has)");
    }
  }

  @Test
  void addedPartitionsDoNotStopTheNextStart() throws Exception {
    Destination queue = Destination.queue("grown");
    DestinationConfig.Builder config = DestinationConfig.builder(queue);
    try (KafkaTransport transport = transport()) {
      transport.declare(config.build());
    }
    try (KafkaTransport transport = transport();
        Admin admin = Admin.create(Map.of("bootstrap.servers", SERVERS))) {
      admin.createPartitions(Map.of("grown.queue", NewPartitions.increaseTo(9))).all().get();
      Await.until(
          "the broker knows them",
          LIMIT,
          () -> {
            transport.declare(config.build());
            try (KafkaTransport other = transport()) {
              other.declare(DestinationConfig.builder(queue).partitions(9).build());
              return true;
            } catch (SubscribeException e) {
              return false;
            }
          });
      try (KafkaTransport next = transport()) {
        next.declare(config.build());
        assertThatThrownBy(
                () -> next.declare(DestinationConfig.builder(queue).partitions(8).build()))
            .hasMessage(
                "COMMS-KAFKA-002: queue:grown partitions: 8 (expected: 9, as the topic has)");
      }
    }
  }

  @Test
  void anotherNumberOfPartitionsIsRejectedAlsoWithVerifyOnly() {
    Destination queue = Destination.queue("counted");
    DestinationConfig.Builder more = DestinationConfig.builder(queue).partitions(3);
    try (KafkaTransport first = transport();
        KafkaTransport second = transport()) {
      first.declare(DestinationConfig.builder(queue).partitions(2).build());
      for (DestinationConfig other : List.of(more.build(), more.verifyOnly().build())) {
        assertThatThrownBy(() -> second.declare(other))
            .hasMessageStartingWith("COMMS-KAFKA-002")
            .hasMessageContaining("partitions");
      }
    }
  }
}
