package io.commslib.benchmarks.kafka;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** kafka-clients alone: one producer, and one thread that polls, handles and commits each poll. */
final class RawContender implements Contender {

  private final String servers;

  RawContender(String servers) {
    this.servers = servers;
  }

  @Override
  public Figures publish(ContenderTask task) throws Exception {
    Meter meter = new Meter(task.number("records"));
    byte[][] bodies = HandlerWork.bodies();
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers",
            servers,
            "acks",
            "all",
            "enable.idempotence",
            true,
            "compression.type",
            task.compression(),
            "linger.ms",
            5,
            "batch.size",
            task.batchBytes());
    try (KafkaProducer<byte[], byte[]> producer =
        new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
      producer.partitionsFor(task.topic());
      meter.start();
      for (int i = 0; i < task.number("records"); i++) {
        byte[] key = ("k" + i % task.number("keys")).getBytes(StandardCharsets.UTF_8);
        var unused =
            producer.send(
                new ProducerRecord<>(task.topic(), key, bodies[i % bodies.length]),
                (metadata, failure) -> {
                  if (failure == null) {
                    meter.count();
                  } else {
                    meter.fail(failure);
                  }
                });
      }
      return meter.await();
    }
  }

  @Override
  public Figures consume(ContenderTask task) throws Exception {
    Meter meter = new Meter(task.number("records"));
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers",
            servers,
            "group.id",
            "raw-" + UUID.randomUUID(),
            "enable.auto.commit",
            false,
            "auto.offset.reset",
            "earliest");
    try (KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
      consumer.subscribe(List.of(task.topic()));
      while (!meter.isDone()) {
        ConsumerRecords<byte[], byte[]> records = consumer.poll(Duration.ofMillis(100));
        for (ConsumerRecord<byte[], byte[]> record : records) {
          if (HandlerWork.touch(record.value())) {
            HandlerWork.park(task.number("millis"));
            meter.count();
          }
        }
        consumer.commitAsync();
      }
      return meter.await();
    }
  }
}
