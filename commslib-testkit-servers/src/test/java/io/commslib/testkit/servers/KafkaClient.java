package io.commslib.testkit.servers;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Future;
import java.util.stream.IntStream;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

/** Writes and reads numbered records with acknowledgement by all copies. */
final class KafkaClient implements AutoCloseable {

  private final Map<String, Object> address;
  private final KafkaProducer<String, String> producer;

  KafkaClient(String bootstrapServers) {
    address = Map.of("bootstrap.servers", bootstrapServers);
    producer =
        new KafkaProducer<>(
            Map.of(
                "bootstrap.servers",
                bootstrapServers,
                "max.block.ms",
                "5000",
                "request.timeout.ms",
                "2000",
                "delivery.timeout.ms",
                "10000"),
            new StringSerializer(),
            new StringSerializer());
  }

  static List<String> values(int first, int count) {
    return IntStream.range(first, first + count).mapToObj(Integer::toString).toList();
  }

  void createTopic(String topic) throws Exception {
    try (Admin admin = Admin.create(address)) {
      admin
          .createTopics(List.of(new NewTopic(topic, Optional.of(1), Optional.empty())))
          .all()
          .get();
    }
  }

  int leader(String topic) throws Exception {
    try (Admin admin = Admin.create(address)) {
      return admin
          .describeTopics(List.of(topic))
          .allTopicNames()
          .get()
          .get(topic)
          .partitions()
          .get(0)
          .leader()
          .id();
    }
  }

  void write(String topic, int first, int count) throws ExecutionException, InterruptedException {
    List<Future<?>> sends = new ArrayList<>();
    for (String value : values(first, count)) {
      sends.add(producer.send(new ProducerRecord<>(topic, value)));
    }
    for (Future<?> send : sends) {
      send.get();
    }
  }

  List<String> read(String topic, int count) {
    List<String> values = new ArrayList<>();
    try (KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(address, new StringDeserializer(), new StringDeserializer())) {
      TopicPartition partition = new TopicPartition(topic, 0);
      consumer.assign(List.of(partition));
      consumer.seekToBeginning(List.of(partition));
      Polling.until(
          () -> {
            consumer.poll(Duration.ofMillis(200)).forEach(record -> values.add(record.value()));
            return values.size() >= count;
          },
          Duration.ofSeconds(20));
    }
    return values;
  }

  @Override
  public void close() {
    producer.close(Duration.ZERO);
  }
}
