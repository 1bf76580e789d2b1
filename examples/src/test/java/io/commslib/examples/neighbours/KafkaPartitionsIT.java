package io.commslib.examples.neighbours;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.kafka.KafkaTransport;
import io.commslib.kafka.KafkaTransportConfig;
import io.commslib.testkit.servers.KafkaServer;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;

/** The partition of a key beside other producers: interop.md of the docs has the table. */
@Tag("neighbours")
class KafkaPartitionsIT {

  private static final int PARTITIONS = 6;
  private static final int KEYS = 100;
  private static final Duration LIMIT = Duration.ofSeconds(60);

  private static String servers;
  private static KafkaTransport transport;
  private static Map<String, Integer> own;

  @BeforeAll
  static void publishEachKey() {
    servers = KafkaServer.shared().bootstrapServers();
    transport = KafkaTransport.create(KafkaTransportConfig.builder(servers).build());
    Destination topic = declared("partitions-of-commslib");
    for (int i = 0; i < KEYS; i++) {
      transport
          .publisher()
          .publish(topic, Message.builder("order.created").key("key-" + i).build())
          .toCompletableFuture()
          .join();
    }
    own = partitions(topic.name());
    assertThat(own.values()).contains(0, 1, 2, 3, 4, 5);
  }

  @AfterAll
  static void close() {
    transport.close();
  }

  @Test
  void kafkajsChoosesTheSamePartition() throws Exception {
    assertThat(chosenBy(ForeignClient.KAFKAJS, "kafkajs-partitions.js", "DefaultPartitioner"))
        .isEqualTo(own);
  }

  @Test
  void kafkaPythonChoosesTheSamePartition() throws Exception {
    assertThat(chosenBy(ForeignClient.KAFKA_PYTHON, "kafka_python_partitions.py", ""))
        .isEqualTo(own);
  }

  @Test
  void theLegacyPartitionerOfKafkajsChoosesOthers() throws Exception {
    assertThat(same(chosenBy(ForeignClient.KAFKAJS, "kafkajs-partitions.js", "LegacyPartitioner")))
        .isLessThan(KEYS / 2);
  }

  @Test
  void librdkafkaChoosesOthersByDefault() throws Exception {
    assertThat(same(chosenBy(ForeignClient.CONFLUENT_KAFKA, "confluent_partitions.py", "")))
        .isLessThan(KEYS / 2);
  }

  @Test
  void librdkafkaChoosesTheSamePartitionWithMurmur2() throws Exception {
    assertThat(chosenBy(ForeignClient.CONFLUENT_KAFKA, "confluent_partitions.py", "murmur2_random"))
        .isEqualTo(own);
  }

  private static Map<String, Integer> chosenBy(
      ForeignClient client, String program, String partitioner) throws InterruptedException {
    assumeTrue(
        client.isInstalled(), "NOT RUN: " + client + " is not installed (bin/setup neighbours)");
    Destination topic = declared("partitions-of-" + program.replace('.', '-') + partitioner);
    Map<String, String> environment =
        Map.of(
            "KAFKA_BROKERS",
            servers,
            "TOPIC",
            topic.name(),
            "KEYS",
            Integer.toString(KEYS),
            "PARTITIONER",
            partitioner);
    try (ForeignProgram sender = ForeignProgram.start(program, environment, line -> {})) {
      sender.awaitEnd(LIMIT);
    }
    return partitions(topic.name());
  }

  private static long same(Map<String, Integer> others) {
    return own.keySet().stream().filter(key -> own.get(key).equals(others.get(key))).count();
  }

  private static Destination declared(String name) {
    Destination topic = Destination.topic(name);
    transport.declare(DestinationConfig.builder(topic).partitions(PARTITIONS).optional().build());
    return topic;
  }

  /** Returns the partition in which each key is. */
  private static Map<String, Integer> partitions(String topic) {
    List<TopicPartition> all =
        IntStream.range(0, PARTITIONS).mapToObj(i -> new TopicPartition(topic, i)).toList();
    Map<String, Integer> partitions = new HashMap<>();
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(
            Map.of("bootstrap.servers", servers),
            new StringDeserializer(),
            new StringDeserializer())) {
      consumer.assign(all);
      consumer.seekToBeginning(all);
      long end = System.nanoTime() + LIMIT.toNanos();
      while (partitions.size() < KEYS && System.nanoTime() - end < 0) {
        consumer
            .poll(Duration.ofMillis(200))
            .forEach(record -> partitions.put(record.key(), record.partition()));
      }
    }
    assertThat(partitions).hasSize(KEYS);
    return partitions;
  }
}
