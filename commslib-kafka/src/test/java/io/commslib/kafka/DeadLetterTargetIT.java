package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.Health;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Collectors;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourceType;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** A dead letter topic created by an operator, with less permission or a smaller limit. */
class DeadLetterTargetIT {

  private static final Duration LIMIT = Duration.ofSeconds(60);

  private static KafkaServer server;
  private static Admin admin;

  private final List<Trouble> troubles = new CopyOnWriteArrayList<>();

  @BeforeAll
  static void start() {
    server =
        KafkaServer.start(
            Map.of(
                "authorizer.class.name",
                "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
                "allow.everyone.if.no.acl.found",
                "true"));
    admin =
        Admin.create(Map.of(AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, server.bootstrapServers()));
  }

  @AfterAll
  static void stop() {
    admin.close();
    server.close();
  }

  private KafkaTransport transport() {
    return KafkaTransport.create(config().build());
  }

  private KafkaTransportConfig.Builder config() {
    CommsObserver observer =
        new CommsObserver() {
          @Override
          public void onTrouble(Trouble trouble) {
            troubles.add(trouble);
          }
        };
    return KafkaTransportConfig.builder(server.bootstrapServers())
        .observer(observer)
        .maxMessageBytes(2_000_000);
  }

  private static void publish(KafkaTransport transport, Destination to, Message message) {
    transport.publisher().publish(to, message).toCompletableFuture().join();
  }

  private static Settlement handle(Message message, List<String> handled) {
    handled.add(message.id());
    return message.id().startsWith("bad") ? Settlement.deadLetter("refused") : Settlement.done();
  }

  private boolean hasTrouble(Trouble.Kind kind, String text) {
    return troubles.stream()
        .anyMatch(trouble -> trouble.kind() == kind && trouble.text().contains(text));
  }

  @Test
  void aLetterThatItsProducerHadCompressedIsKeptAndNamedUntilItFits() throws Exception {
    Destination queue = Destination.queue("compressed");
    SubscriptionConfig subscription = SubscriptionConfig.builder(queue).build();
    List<String> handled = new CopyOnWriteArrayList<>();
    try (KafkaTransport transport = transport();
        KafkaProducer<byte[], byte[]> foreign =
            new KafkaProducer<>(
                Map.of(
                    "bootstrap.servers",
                    server.bootstrapServers(),
                    "compression.type",
                    "gzip",
                    "max.request.size",
                    10_000_000),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
      transport.declare(DestinationConfig.builder(queue).partitions(1).build());
      Subscription running =
          transport
              .subscriber()
              .subscribe(subscription, delivery -> handle(delivery.message(), handled));
      byte[] zeros = new byte[6_000_000];
      foreign.send(new ProducerRecord<>(KafkaNames.topic(queue), new byte[] {'k'}, zeros)).get();
      publish(transport, queue, Message.builder("t").id("good").key("g").build());
      Await.until(
          "the letter waits",
          LIMIT,
          () ->
              troubles.stream()
                  .filter(trouble -> trouble.kind() == Trouble.Kind.STALLED)
                  .anyMatch(
                      trouble ->
                          trouble
                              .toString()
                              .matches(
                                  ".*COMMS-KAFKA-003: dead letter bytes: 6000[0-9]{3} \\(expected:"
                                      + " compressed at most max.message.bytes of topic"
                                      + " compressed.queue.main.dlq; raise it, or set"
                                      + " KafkaTransportConfig.compression\\).*")));
      Await.until("others continue", LIMIT, () -> handled.contains("good"));
      assertThat(running.health().status()).isEqualTo(Health.Status.DEGRADED);
      assertThat(transport.deadLetters().list(queue, "main", 9)).isEmpty();
    }
    try (KafkaTransport compressing =
        KafkaTransport.create(config().compression(Compression.GZIP).build())) {
      compressing.declare(DestinationConfig.builder(queue).partitions(1).build());
      compressing
          .subscriber()
          .subscribe(subscription, delivery -> handle(delivery.message(), handled));
      Await.until(
          "it fits", LIMIT, () -> compressing.deadLetters().list(queue, "main", 9).size() == 1);
      assertThat(compressing.deadLetters().list(queue, "main", 9).get(0).cause())
          .containsEntry("position", "compressed.queue-0@0");
      assertThat(handled).containsExactly("good");
    }
  }

  private static byte[] incompressible(int bytes) {
    byte[] body = new byte[bytes];
    new Random(7).nextBytes(body);
    return body;
  }

  private static AclBinding acl(String topic, AclOperation operation, AclPermissionType type) {
    return new AclBinding(
        new ResourcePattern(ResourceType.TOPIC, topic, PatternType.LITERAL),
        new AccessControlEntry("User:*", "*", operation, type));
  }

  @Test
  void aLetterWithoutWritePermissionStaysCompleteAndIsRetriedUntilItIsPermitted() throws Exception {
    Destination queue = Destination.queue("unpermitted");
    String letters = KafkaNames.deadLetters(queue, "main");
    List<String> handled = new CopyOnWriteArrayList<>();
    try (KafkaTransport transport = transport()) {
      transport.declare(DestinationConfig.builder(queue).build());
      AclBinding all = acl(letters, AclOperation.ALL, AclPermissionType.ALLOW);
      AclBinding noWrite = acl(letters, AclOperation.WRITE, AclPermissionType.DENY);
      admin.createAcls(List.of(all, noWrite)).all().get();
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(
                  SubscriptionConfig.builder(queue).build(),
                  delivery -> handle(delivery.message(), handled));
      publish(
          transport, queue, Message.builder("t").id("bad").key("a").header("h", "whole").build());
      Await.until("trouble", LIMIT, () -> hasTrouble(Trouble.Kind.PAUSED, "COMMS-KAFKA-013"));
      assertThat(subscription.health().status()).isEqualTo(Health.Status.DEGRADED);
      assertThat(subscription.health().reason())
          .startsWith("paused: dead-letter target: ")
          .contains("COMMS-KAFKA-013")
          .contains(letters);
      admin.deleteAcls(List.of(noWrite.toFilter())).all().get();
      Await.until(
          "dead-lettered", LIMIT, () -> !transport.deadLetters().list(queue, "main", 2).isEmpty());
      DeadLetter letter = transport.deadLetters().list(queue, "main", 2).get(0);
      assertThat(letter.messageId()).isEqualTo("bad");
      assertThat(letter.cause()).doesNotContainKey("cut").containsKey("handler");
      assertThat(handled).containsExactly("bad");
      assertThat(troubles).extracting(Trouble::kind).doesNotContain(Trouble.Kind.STALLED);
      Await.until("up again", LIMIT, () -> subscription.health().status() == Health.Status.UP);
    }
  }

  @Test
  void aLetterThatIsTooLargeForAnOperatorsTopicIsCutAndFinallyWaitsWithoutDelayingOthers()
      throws Exception {
    Destination queue = Destination.queue("large");
    String letters = KafkaNames.deadLetters(queue, "main");
    // With the broker's default limit of a batch, slightly more than 1 MiB.
    admin
        .createTopics(
            List.of(
                new NewTopic(letters, Optional.of(1), Optional.empty())
                    .configs(
                        Map.of(
                            TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT)),
                new NewTopic(KafkaNames.topic(queue), Optional.of(1), Optional.empty())
                    .configs(Map.of(TopicConfig.MAX_MESSAGE_BYTES_CONFIG, "3000000"))))
        .all()
        .get();
    List<String> handled = new CopyOnWriteArrayList<>();
    try (KafkaTransport transport = transport()) {
      transport.declare(DestinationConfig.builder(queue).partitions(1).build());
      Subscription subscription =
          transport
              .subscriber()
              .subscribe(
                  SubscriptionConfig.builder(queue).build(),
                  delivery -> {
                    Settlement settlement = handle(delivery.message(), handled);
                    if (delivery.message().id().startsWith("bad")) {
                      return Settlement.deadLetter("r".repeat(900));
                    }
                    return settlement;
                  });
      Message.Builder never = Message.builder("t").id("bad-never").key("n");
      publish(transport, queue, never.body(incompressible(1_200_000)).build());
      byte[] body = incompressible(1_040_000);
      Message.Builder cut = Message.builder("t").id("bad-cut").key("c").body(body);
      for (int i = 0; i < 4; i++) {
        cut.header("h" + i, Base64.getEncoder().encodeToString(incompressible(6_000)));
      }
      publish(transport, queue, cut.build());
      publish(transport, queue, Message.builder("t").id("bad-small").key("s").build());
      publish(transport, queue, Message.builder("t").id("good").key("g").build());
      Await.until("others continue", LIMIT, () -> handled.contains("good"));
      Await.until(
          "two letters", LIMIT, () -> transport.deadLetters().list(queue, "main", 9).size() == 2);
      Await.until(
          "the third waits",
          LIMIT,
          () -> hasTrouble(Trouble.Kind.STALLED, "the dead-letter target refuses it"));
      Map<String, DeadLetter> found =
          transport.deadLetters().list(queue, "main", 9).stream()
              .collect(Collectors.toMap(DeadLetter::messageId, letter -> letter));
      assertThat(found.get("bad-small").cause()).doesNotContainKey("cut");
      DeadLetter smaller = found.get("bad-cut");
      assertThat(smaller.cause()).containsEntry("cut", "cause, headers");
      assertThat(smaller.message().orElseThrow().body()).isEqualTo(body);
      assertThat(subscription.health().status()).isEqualTo(Health.Status.DEGRADED);
      assertThat(subscription.health().reason()).contains("the dead-letter target refuses");
      assertThat(handled).containsExactlyInAnyOrder("bad-never", "bad-cut", "bad-small", "good");
    }
  }
}
