package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.format.ValueSource;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RetrySchedule;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.StartPosition;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.TransportException;
import io.commslib.jackson.PlainFormat;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.KafkaServer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.consumer.RangeAssignor;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.TopicConfig;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Destinations with names that others have chosen, on topics that others own. */
class KafkaBindingIT {

  private static final String SERVERS = KafkaServer.shared().bootstrapServers();
  private static final Duration LIMIT = Duration.ofSeconds(30);
  private static final Map<String, String> COMPACTED =
      Map.of(TopicConfig.CLEANUP_POLICY_CONFIG, TopicConfig.CLEANUP_POLICY_COMPACT);

  private static Admin admin;

  private final List<Delivery> handled = new CopyOnWriteArrayList<>();

  @BeforeAll
  static void connect() {
    admin = Admin.create(Map.of("bootstrap.servers", SERVERS));
  }

  @AfterAll
  static void disconnect() {
    admin.close();
  }

  private static KafkaTransport transport(Destination destination, KafkaBinding binding) {
    return KafkaTransport.create(
        KafkaTransportConfig.builder(SERVERS)
            .bind(destination, binding)
            .clientSetting("heartbeat.interval.ms", 300)
            .build());
  }

  private static void create(String topic, int partitions, Map<String, String> settings)
      throws Exception {
    NewTopic created = new NewTopic(topic, Optional.of(partitions), Optional.empty());
    admin.createTopics(List.of(created.configs(settings))).all().get();
    Await.until("topic " + topic, LIMIT, () -> topics().contains(topic));
  }

  private static Set<String> topics() {
    try {
      return admin.listTopics().names().get();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  private static DestinationConfig plain(Destination destination) {
    return DestinationConfig.builder(destination).build();
  }

  private static SubscriptionConfig group(Destination destination) {
    return SubscriptionConfig.builder(destination, "ship").build();
  }

  private static void publish(KafkaTransport transport, Destination to, String... ids) {
    for (String id : ids) {
      Message message = Message.builder("t").id(id).key("k").build();
      transport.publisher().publish(to, message).toCompletableFuture().join();
    }
  }

  private Settlement handle(Delivery delivery) {
    handled.add(delivery);
    return delivery.message().id().startsWith("bad") && delivery.redriveCount() == 0
        ? Settlement.deadLetter("refused")
        : Settlement.done();
  }

  private List<String> ids() {
    return handled.stream().map(delivery -> delivery.message().id()).toList();
  }

  private static SubscribeException refusal(
      KafkaTransport transport, SubscriptionConfig subscription) {
    List<SubscribeException> refused = new ArrayList<>();
    assertThatThrownBy(
            () -> transport.subscriber().subscribe(subscription, delivery -> Settlement.done()))
        .isInstanceOfSatisfying(SubscribeException.class, refused::add);
    assertThat(refused.get(0).kind()).isEqualTo(FailureKind.PERMANENT);
    return refused.get(0);
  }

  @Test
  void anyNameThatKafkaAllowsCanBeUsed() throws Exception {
    create("binding.orders.dlq", 1, Map.of());
    create("binding.letters", 1, COMPACTED);
    create("binding.again.queue", 1, Map.of());
    Destination orders = Destination.topic("binding-names");
    KafkaBinding binding =
        KafkaBinding.topic("binding.orders.dlq")
            .group("ship", "any group/id: ä")
            .deadLetters("ship", "binding.letters")
            .redrive("ship", "binding.again.queue")
            .existing();
    try (KafkaTransport transport = transport(orders, binding)) {
      transport.declare(plain(orders));
      transport.subscriber().subscribe(group(orders), this::handle);
      publish(transport, orders, "good", "bad");
      Await.until(
          "a letter", LIMIT, () -> transport.deadLetters().list(orders, "ship", 9).size() == 1);
      assertThat(transport.deadLetters().redrive(orders, "ship", letter -> true)).isEqualTo(1);
      Await.until("redriven", LIMIT, () -> ids().equals(List.of("good", "bad", "bad")));
    }
    assertThat(committed("any group/id: ä")).isNotEmpty();
    assertThat(topics()).noneMatch(topic -> topic.startsWith("binding-names"));
  }

  @Test
  void aBindingWithoutExistingTopicsCreatesThemUnderItsNames() {
    Destination tasks = Destination.queue("binding-created");
    KafkaBinding binding =
        KafkaBinding.topic("binding.tasks.queue").deadLetters("main", "binding.tasks.DLT");
    try (KafkaTransport transport = transport(tasks, binding)) {
      transport.declare(DestinationConfig.builder(tasks).partitions(1).build());
      assertThat(topics())
          .contains("binding.tasks.queue", "binding.tasks.DLT", "binding.tasks.queue.main.redrive");
    }
  }

  @Test
  void createdTopicsOfAGroupHaveThePartitionsOfAnExistingSource() throws Exception {
    create("binding.three", 3, Map.of());
    Destination orders = Destination.topic("three");
    try (KafkaTransport transport = transport(orders, KafkaBinding.topic("binding.three"))) {
      transport.declare(DestinationConfig.builder(orders).group("ship").build());
    }
    List<String> topics = List.of("binding.three.ship.dlq", "binding.three.ship.redrive");
    assertThat(admin.describeTopics(topics).allTopicNames().get().values())
        .hasSize(2)
        .allSatisfy(topic -> assertThat(topic.partitions()).hasSize(3));
  }

  @Test
  void aRedrivenRecordThatIsNotOrderedByItsKeyHasThePartitionOfTheOriginal() throws Exception {
    Destination orders = Destination.topic("by-customer");
    Map<Integer, Integer> letters = Map.of(0, 1, 1, 2, 2, 3);
    try (KafkaTransport transport = transport(orders, KafkaBinding.topic("binding.by-customer"));
        KafkaProducer<byte[], byte[]> foreign =
            new KafkaProducer<>(
                Map.of("bootstrap.servers", SERVERS),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
      transport.declare(
          DestinationConfig.builder(orders)
              .partitions(3)
              .format(PlainFormat.json().type("t").key(ValueSource.header("customer")).build())
              .build());
      transport
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(orders, "ship").withoutDeadLetterBreaker().build(),
              delivery -> {
                handled.add(delivery);
                return delivery.redriveCount() == 0
                    ? Settlement.deadLetter("refused")
                    : Settlement.done();
              });
      for (Map.Entry<Integer, Integer> some : letters.entrySet()) {
        for (int i = 0; i < some.getValue(); i++) {
          // One has a key that is not the customer.
          byte[] key = i == 1 ? new byte[] {'k'} : null;
          ProducerRecord<byte[], byte[]> record =
              new ProducerRecord<>(
                  "binding.by-customer", some.getKey(), key, KafkaRecords.bytes("{}"));
          record.headers().add("customer", KafkaRecords.bytes("c" + some.getKey()));
          foreign.send(record).get();
        }
      }
      Await.until(
          "letters", LIMIT, () -> transport.deadLetters().list(orders, "ship", 9).size() == 6);
      assertThat(transport.deadLetters().redrive(orders, "ship", letter -> true)).isEqualTo(6);
      Await.until("redriven", LIMIT, () -> handled.size() == 12);
    }
    letters.forEach((partition, count) -> assertThat(end(partition)).isEqualTo((long) count));
  }

  private static long end(int partition) {
    TopicPartition redriven = new TopicPartition("binding.by-customer.ship.redrive", partition);
    try {
      return admin
          .listOffsets(Map.of(redriven, OffsetSpec.latest()))
          .partitionResult(redriven)
          .get()
          .offset();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void theTopicOfABoundGroupIsNoDestination() {
    Destination orders = Destination.topic("binding-letters");
    KafkaBinding binding = KafkaBinding.topic("binding.letters-of").deadLetters("ship", "letters");
    try (KafkaTransport transport = transport(orders, binding)) {
      assertThatThrownBy(() -> transport.declare(plain(Destination.topic("letters"))))
          .hasMessage(
              "COMMS-KAFKA-014: topic letters: that of group ship of topic:binding-letters"
                  + " (expected: another one for topic:letters, as others may not write to it)");
      assertThat(topics()).doesNotContain("letters");
    }
  }

  @Test
  void anExistingGroupGoesOnAtItsOffset() throws Exception {
    create("binding.continued", 1, Map.of());
    create("binding.continued.DLT", 1, COMPACTED);
    Destination orders = Destination.topic("continued");
    KafkaBinding binding =
        KafkaBinding.topic("binding.continued")
            .group("ship", "inventory-group")
            .deadLetters("ship", "binding.continued.DLT")
            .existing();
    try (KafkaTransport transport = transport(orders, binding)) {
      transport.declare(plain(orders));
      publish(transport, orders, "m0", "m1", "m2", "m3");
      TopicPartition partition = new TopicPartition("binding.continued", 0);
      try (KafkaConsumer<byte[], byte[]> other = other("inventory-group")) {
        other.assign(List.of(partition));
        other.commitSync(Map.of(partition, new OffsetAndMetadata(2, "commslib:1:of another")));
      }
      transport.subscriber().subscribe(group(orders), this::handle);
      Await.until("the rest is handled", LIMIT, () -> ids().contains("m3"));
      assertThat(ids()).containsExactly("m2", "m3");
    }
    assertThat(committed("inventory-group").get(new TopicPartition("binding.continued", 0)))
        .extracting(OffsetAndMetadata::offset)
        .isEqualTo(4L);
  }

  private static Map<TopicPartition, OffsetAndMetadata> committed(String groupId) throws Exception {
    return admin.listConsumerGroupOffsets(groupId).partitionsToOffsetAndMetadata().get();
  }

  private static KafkaConsumer<byte[], byte[]> other(String groupId) {
    Map<String, Object> settings = new HashMap<>();
    settings.put("bootstrap.servers", SERVERS);
    settings.put("group.id", groupId);
    settings.put("enable.auto.commit", false);
    settings.put("partition.assignment.strategy", RangeAssignor.class.getName());
    return new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
  }

  @Test
  void aGroupWhoseMembersUseAnotherAssignorIsRefused() throws Exception {
    create("binding.shared", 1, Map.of());
    Destination orders = Destination.topic("shared");
    KafkaBinding binding =
        KafkaBinding.topic("binding.shared").group("ship", "range-group").noDeadLetters();
    try (KafkaTransport transport = transport(orders, binding.existing())) {
      transport.declare(plain(orders));
      try (KafkaConsumer<byte[], byte[]> other = other("range-group")) {
        other.subscribe(List.of("binding.shared"));
        Await.until(
            "it has joined",
            LIMIT,
            () -> {
              other.poll(Duration.ofMillis(100));
              return !other.assignment().isEmpty();
            });
        assertThat(refusal(transport, group(orders)))
            .hasMessage(
                "COMMS-KAFKA-015: consumer group range-group assignor: range (expected:"
                    + " cooperative-sticky, or no running member; its offsets continue once the"
                    + " others have stopped)");
      }
      transport.subscriber().subscribe(group(orders), this::handle);
    }
  }

  @Test
  void addedPartitionsDoNotStopTheNextStart() throws Exception {
    create("binding.grown", 1, Map.of());
    Destination orders = Destination.topic("grown");
    KafkaBinding binding = KafkaBinding.topic("binding.grown").noDeadLetters().existing();
    try (KafkaTransport transport = transport(orders, binding)) {
      transport.declare(plain(orders));
    }
    admin.createPartitions(Map.of("binding.grown", NewPartitions.increaseTo(3))).all().get();
    try (KafkaTransport transport = transport(orders, binding)) {
      Await.until(
          "the broker knows them",
          LIMIT,
          () -> {
            transport.declare(plain(orders));
            try {
              transport.declare(DestinationConfig.builder(orders).partitions(3).build());
              return true;
            } catch (SubscribeException e) {
              return false;
            }
          });
      assertThatThrownBy(
              () -> transport.declare(DestinationConfig.builder(orders).partitions(1).build()))
          .hasMessage("COMMS-KAFKA-002: topic:grown partitions: 1 (expected: 3, as the topic has)");
      transport.subscriber().subscribe(group(orders), this::handle);
      publish(transport, orders, "m");
      Await.until("handled", LIMIT, () -> ids().equals(List.of("m")));
    }
  }

  @Test
  void addedPartitionsAreReadFromTheirBeginningByARunningGroup() throws Exception {
    create("binding.growing", 1, Map.of());
    Destination orders = Destination.topic("growing");
    KafkaBinding binding = KafkaBinding.topic("binding.growing").noDeadLetters().existing();
    KafkaTransportConfig slow =
        KafkaTransportConfig.builder(SERVERS)
            .bind(orders, binding)
            .clientSetting("metadata.max.age.ms", 6_000)
            .build();
    List<String> keys = IntStream.range(0, 20).mapToObj(i -> "k" + i).toList();
    try (KafkaTransport reader = KafkaTransport.create(slow);
        KafkaTransport before = transport(orders, binding)) {
      before.declare(plain(orders));
      publish(before, orders, "old");
      reader.declare(plain(orders));
      reader
          .subscriber()
          .subscribe(
              SubscriptionConfig.builder(orders, "ship").startAt(StartPosition.LATEST).build(),
              this::handle);
      admin.createPartitions(Map.of("binding.growing", NewPartitions.increaseTo(3))).all().get();
      Await.until("the broker knows them", LIMIT, () -> partitions("binding.growing") == 3);
      try (KafkaTransport writer = transport(orders, binding)) {
        writer.declare(plain(orders));
        for (String key : keys) {
          Message message = Message.builder("t").id(key).key(key).build();
          writer.publisher().publish(orders, message).toCompletableFuture().join();
        }
      }
      Await.until("all are handled", LIMIT, () -> ids().size() >= keys.size());
      assertThat(ids()).containsExactlyInAnyOrderElementsOf(keys);
    }
  }

  private static int partitions(String topic) {
    try {
      return admin
          .describeTopics(List.of(topic))
          .topicNameValues()
          .get(topic)
          .get()
          .partitions()
          .size();
    } catch (Exception e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void existingCreatesNothing() throws Exception {
    Destination orders = Destination.topic("nothing");
    KafkaBinding binding =
        KafkaBinding.topic("binding.nothing")
            .deadLetters("ship", "binding.nothing.DLT")
            .redrive("ship", "binding.nothing.again")
            .existing();
    Set<String> before = topics();
    try (KafkaTransport transport = transport(orders, binding)) {
      assertThatThrownBy(() -> transport.declare(plain(orders)))
          .hasMessage(
              "COMMS-KAFKA-002: topic:nothing, topic binding.nothing, does not exist (expected: it"
                  + " does, it is bound to existing topics)");
      assertThat(topics()).isEqualTo(before);
      create("binding.nothing", 1, Map.of());
      transport.declare(plain(orders));
      for (String topic : List.of("binding.nothing.DLT", "binding.nothing.again")) {
        assertThat(refusal(transport, group(orders)))
            .hasMessage(
                "COMMS-KAFKA-002: topic "
                    + topic
                    + " of group ship does not exist (expected: it does, topic:nothing is bound to"
                    + " existing topics)");
        assertThat(topics()).doesNotContain(topic);
        create(topic, 1, topic.endsWith(".DLT") ? COMPACTED : Map.of());
      }
      transport.subscriber().subscribe(group(orders), this::handle);
      publish(transport, orders, "m");
      Await.until("handled", LIMIT, () -> ids().equals(List.of("m")));
    }
    Set<String> after = topics();
    after.removeAll(before);
    assertThat(after)
        .containsExactlyInAnyOrder(
            "binding.nothing", "binding.nothing.DLT", "binding.nothing.again");
  }

  @Test
  void aMissingDeadLetterTargetIsRefusedAtSubscribe() throws Exception {
    create("binding.unnamed", 1, Map.of());
    create("binding.unnamed.DLT", 1, COMPACTED);
    Destination orders = Destination.topic("unnamed");
    KafkaBinding binding = KafkaBinding.topic("binding.unnamed").existing();
    try (KafkaTransport transport = transport(orders, binding)) {
      transport.declare(plain(orders));
      publish(transport, orders, "m");
      assertThat(refusal(transport, group(orders)))
          .hasMessage(
              "COMMS-KAFKA-014: deadLetters: no topic for group ship of topic:unnamed (expected: one"
                  + " that KafkaBinding.deadLetters names, since the binding creates none)");
      assertThatThrownBy(() -> transport.deadLetters().open(orders, "ship"))
          .hasMessageStartingWith("COMMS-KAFKA-014");
    }
    KafkaBinding withLetters = binding.deadLetters("ship", "binding.unnamed.DLT");
    try (KafkaTransport transport = transport(orders, withLetters)) {
      transport.declare(plain(orders));
      SubscriptionConfig.Builder deferring =
          SubscriptionConfig.builder(orders, "ship")
              .unordered()
              .retry(RetrySchedule.builder().delays(Duration.ofSeconds(1)).build());
      assertThat(refusal(transport, deferring.build()))
          .hasMessageStartingWith("COMMS-KAFKA-014: delay PT1S: no topic for group ship");
      transport.subscriber().subscribe(group(orders), this::handle);
      assertThatThrownBy(() -> transport.deadLetters().redrive(orders, "ship", letter -> true))
          .isInstanceOf(TransportException.class)
          .hasMessageStartingWith("COMMS-KAFKA-014: redrive: no topic for group ship");
      assertThat(transport.deadLetters().list(orders, "ship", 1)).isEmpty();
    }
  }

  @Test
  void aCompactedRedriveTopicIsRefusedAtSubscribe() throws Exception {
    create("binding.replaced", 1, Map.of());
    create("binding.replaced.DLT", 1, COMPACTED);
    create(
        "binding.replaced.again", 1, Map.of(TopicConfig.CLEANUP_POLICY_CONFIG, "compact,delete"));
    Destination orders = Destination.topic("replaced");
    KafkaBinding binding =
        KafkaBinding.topic("binding.replaced")
            .deadLetters("ship", "binding.replaced.DLT")
            .redrive("ship", "binding.replaced.again");
    for (KafkaBinding either : List.of(binding, binding.existing())) {
      try (KafkaTransport transport = transport(orders, either)) {
        transport.declare(plain(orders));
        assertThat(refusal(transport, group(orders)))
            .hasMessage(
                "COMMS-KAFKA-002: topic binding.replaced.again of group ship cleanup.policy:"
                    + " compact,delete (expected: delete, since a later record of a key replaces a"
                    + " waiting one)");
      }
    }
  }

  @Test
  void aDelayTopicThatLosesIsRefusedAtSubscribe() throws Exception {
    create("binding.lost", 1, Map.of());
    String appendTime = TopicConfig.MESSAGE_TIMESTAMP_TYPE_CONFIG;
    Map<Map<String, String>, String> refusals =
        Map.of(
            Map.of(appendTime, "LogAppendTime", TopicConfig.CLEANUP_POLICY_CONFIG, "compact"),
            "cleanup.policy: compact (expected: delete,",
            Map.of(),
            "message.timestamp.type: CreateTime (expected: LogAppendTime)",
            Map.of(appendTime, "LogAppendTime", TopicConfig.RETENTION_MS_CONFIG, "59999"),
            "retention.ms: 59999 (expected: 60000 or more, the delay)");
    Duration minute = Duration.ofMinutes(1);
    for (Map.Entry<Map<String, String>, String> refused : refusals.entrySet()) {
      String topic = "binding.lost.later-" + refused.getValue().charAt(0);
      create(topic, 1, refused.getKey());
      Destination orders = Destination.topic("lost");
      KafkaBinding binding =
          KafkaBinding.topic("binding.lost")
              .noDeadLetters()
              .delay("ship", minute, topic)
              .existing();
      try (KafkaTransport transport = transport(orders, binding)) {
        transport.declare(plain(orders));
        SubscriptionConfig deferring =
            SubscriptionConfig.builder(orders, "ship")
                .unordered()
                .retry(RetrySchedule.builder().delays(minute).build())
                .build();
        assertThat(refusal(transport, deferring))
            .hasMessageStartingWith(
                "COMMS-KAFKA-002: topic " + topic + " of group ship " + refused.getValue());
      }
    }
  }

  @Test
  void aStrangersRecordInTheDeadLetterTopicIsNotListed() throws Exception {
    create("binding.common", 1, Map.of());
    create("binding.common.DLT", 1, COMPACTED);
    Destination orders = Destination.topic("common");
    KafkaBinding binding =
        KafkaBinding.topic("binding.common").deadLetters("ship", "binding.common.DLT").existing();
    try (KafkaTransport transport = transport(orders, binding);
        KafkaProducer<byte[], byte[]> stranger =
            new KafkaProducer<>(
                Map.of("bootstrap.servers", SERVERS),
                new ByteArraySerializer(),
                new ByteArraySerializer())) {
      transport.declare(plain(orders));
      byte[] key = {'k'};
      stranger.send(new ProducerRecord<>("binding.common.DLT", key, key)).get();
      ProducerRecord<byte[], byte[]> otherGroup =
          new ProducerRecord<>("binding.common.DLT", new byte[] {'o'}, key);
      otherGroup.headers().add("commslib-dlq-source", KafkaRecords.bytes("topic:common"));
      otherGroup.headers().add("commslib-dlq-group", KafkaRecords.bytes("bill"));
      stranger.send(otherGroup).get();
      transport.subscriber().subscribe(group(orders), this::handle);
      publish(transport, orders, "bad", "good");
      Await.until("both are handled", LIMIT, () -> ids().equals(List.of("bad", "good")));
      assertThat(transport.deadLetters().list(orders, "ship", 9))
          .extracting(letter -> letter.messageId())
          .containsExactly("bad");
      assertThat(transport.deadLetters().discard(orders, "ship", letter -> true)).isEqualTo(1);
      assertThat(transport.deadLetters().list(orders, "ship", 9)).isEmpty();
    }
  }

  @Test
  void withoutDeadLettersAMessageBlocksItsKeyAndHealthNamesIt() throws Exception {
    create("binding.kept", 1, Map.of());
    Destination orders = Destination.topic("kept");
    KafkaBinding binding = KafkaBinding.topic("binding.kept").noDeadLetters().existing();
    try (KafkaTransport transport = transport(orders, binding)) {
      transport.declare(plain(orders));
      Subscription subscription = transport.subscriber().subscribe(group(orders), this::handle);
      publish(transport, orders, "bad", "behind");
      Message other = Message.builder("t").id("other").key("other").build();
      transport.publisher().publish(orders, other).toCompletableFuture().join();
      Await.until("other keys are handled", LIMIT, () -> ids().contains("other"));
      Await.until("health", LIMIT, () -> subscription.health().status() == Health.Status.DEGRADED);
      assertThat(subscription.health().reason()).contains("bad");
      assertThat(ids()).containsExactly("bad", "other");
    }
    assertThat(committed("binding.kept.ship").get(new TopicPartition("binding.kept", 0)))
        .extracting(OffsetAndMetadata::offset)
        .isEqualTo(0L);
    assertThat(topics())
        .contains("binding.kept")
        .noneMatch(topic -> topic.startsWith("binding.kept."));
  }

  @Test
  void anExpiringDeadLetterTopicIsReported() throws Exception {
    create("binding.expiring", 1, Map.of());
    create(
        "binding.expiring.DLT",
        1,
        Map.of(
            TopicConfig.CLEANUP_POLICY_CONFIG,
            TopicConfig.CLEANUP_POLICY_DELETE,
            TopicConfig.RETENTION_MS_CONFIG,
            "3600000"));
    Destination orders = Destination.topic("expiring");
    KafkaBinding binding =
        KafkaBinding.topic("binding.expiring")
            .deadLetters("ship", "binding.expiring.DLT")
            .existing();
    try (KafkaTransport transport = transport(orders, binding)) {
      transport.declare(plain(orders));
      Subscription subscription = transport.subscriber().subscribe(group(orders), this::handle);
      assertThat(subscription.health().details())
          .containsEntry(
              "deadLettersExpire", "topic binding.expiring.DLT: records are deleted after PT1H");
    }
  }

  @Test
  void aForeignTopicNamedRedriveIsNotTrusted() throws Exception {
    create("binding.x.redrive", 1, Map.of());
    create("binding.x.delay-1000", 1, Map.of());
    for (String topic : List.of("binding.x.redrive", "binding.x.delay-1000")) {
      handled.clear();
      Destination orders = Destination.topic("foreign");
      KafkaBinding binding = KafkaBinding.topic(topic).noDeadLetters().existing();
      try (KafkaTransport transport = transport(orders, binding);
          KafkaProducer<byte[], byte[]> foreign =
              new KafkaProducer<>(
                  Map.of("bootstrap.servers", SERVERS),
                  new ByteArraySerializer(),
                  new ByteArraySerializer())) {
        transport.declare(plain(orders));
        transport.subscriber().subscribe(group(orders), this::handle);
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, new byte[] {'{', '}'});
        Map.of(
                "ce_specversion", "1.0",
                "ce_id", "forged",
                "ce_source", "/foreign",
                "ce_type", "t",
                "commslib-redrive-count", "7",
                "commslib-retry-attempts", "5")
            .forEach(
                (name, value) ->
                    record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
        foreign.send(record).get();
        Await.until("handled", LIMIT, () -> ids().equals(List.of("forged")));
        assertThat(handled.get(0).redriveCount()).isZero();
        assertThat(handled.get(0).attempt()).isEqualTo(1);
      }
    }
  }
}
