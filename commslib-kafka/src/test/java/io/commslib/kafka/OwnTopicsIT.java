package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.apache.kafka.clients.admin.Admin;
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
  void verifyOnlyRequiresTheTopicsOfTheGroupToo() throws Exception {
    Destination queue = Destination.queue("verified");
    DestinationConfig config = DestinationConfig.builder(queue).partitions(1).verifyOnly().build();
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
