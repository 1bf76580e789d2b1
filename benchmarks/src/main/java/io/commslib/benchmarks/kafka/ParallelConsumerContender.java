package io.commslib.benchmarks.kafka;

import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.CommitMode;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Confluent's parallel-consumer, in order per key. */
final class ParallelConsumerContender implements Contender {

  private final String servers;

  ParallelConsumerContender(String servers) {
    this.servers = servers;
  }

  @Override
  public Figures publish(ContenderTask task) {
    throw new UnsupportedOperationException("parallel-consumer only consumes");
  }

  @Override
  public Figures consume(ContenderTask task) throws Exception {
    Meter meter = new Meter(task.number("records"));
    int millis = task.number("millis");
    Map<String, Object> settings =
        Map.of(
            "bootstrap.servers",
            servers,
            "group.id",
            "pc-" + UUID.randomUUID(),
            "enable.auto.commit",
            false,
            "auto.offset.reset",
            "earliest");
    KafkaConsumer<byte[], byte[]> consumer =
        new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
    ParallelConsumerOptions<byte[], byte[]> options =
        ParallelConsumerOptions.<byte[], byte[]>builder()
            .consumer(consumer)
            .ordering(ProcessingOrder.KEY)
            .maxConcurrency(task.number("threads"))
            .commitMode(CommitMode.PERIODIC_CONSUMER_ASYNCHRONOUS)
            .build();
    ParallelStreamProcessor<byte[], byte[]> processor =
        ParallelStreamProcessor.createEosStreamProcessor(options);
    try {
      processor.subscribe(List.of(task.topic()));
      processor.poll(
          context -> {
            if (HandlerWork.touch(context.value())) {
              HandlerWork.park(millis);
              meter.count();
            }
          });
      return meter.await();
    } finally {
      processor.closeDontDrainFirst();
    }
  }
}
