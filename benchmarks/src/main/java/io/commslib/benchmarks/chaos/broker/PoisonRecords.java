package io.commslib.benchmarks.chaos.broker;

import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.LockSupport;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Pairs of adjacent records that are no messages; each must end in the dead letters. */
final class PoisonRecords implements AutoCloseable {

  private static final int MAX_LISTED = 100_000;

  private final Destination source;
  private final DeadLetters deadLetters;
  private final KafkaProducer<byte[], byte[]> producer;
  private int sent;

  PoisonRecords(String servers, Destination source, DeadLetters deadLetters) {
    this.source = source;
    this.deadLetters = deadLetters;
    this.producer =
        new KafkaProducer<>(
            Map.of("bootstrap.servers", servers, "acks", "all"),
            new ByteArraySerializer(),
            new ByteArraySerializer());
  }

  void publishPair(String key) {
    for (int i = 0; i < 2; i++) {
      byte[] junk = ("junk " + sent).getBytes(StandardCharsets.UTF_8);
      try {
        producer
            .send(new ProducerRecord<>(source.name(), key.getBytes(StandardCharsets.UTF_8), junk))
            .get();
      } catch (ExecutionException e) {
        throw new IllegalStateException("poison", e);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("poison", e);
      }
      sent++;
    }
  }

  /**
   * Returns the number of records without dead letter after the limit; negative if some have two.
   */
  long awaitDeadLetters(Duration limit) {
    long end = System.nanoTime() + limit.toNanos();
    long parked = unreadableDeadLetters();
    while (parked < sent && System.nanoTime() - end < 0) {
      LockSupport.parkNanos(200_000_000);
      parked = unreadableDeadLetters();
    }
    return sent - parked;
  }

  private long unreadableDeadLetters() {
    return deadLetters.list(source, GroupMembers.GROUP, MAX_LISTED).stream()
        .filter(letter -> letter.message().isEmpty())
        .count();
  }

  @Override
  public void close() {
    producer.close();
  }
}
