package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.ConsumerRecords;
import org.apache.kafka.clients.consumer.MockConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicPartition;
import org.junit.jupiter.api.Test;

class DeadLetterImportTest {

  private static final TopicPartition FIRST = new TopicPartition("theirs", 0);
  private static final TopicPartition SECOND = new TopicPartition("theirs", 1);

  private final MockConsumer<byte[], byte[]> consumer = new MockConsumer<>("earliest");

  private ConsumerRecords<byte[], byte[]> polled() {
    consumer.assign(List.of(FIRST, SECOND));
    consumer.updateBeginningOffsets(Map.of(FIRST, 0L, SECOND, 0L));
    for (long offset = 0; offset < 3; offset++) {
      consumer.addRecord(new ConsumerRecord<>("theirs", 0, offset, null, new byte[1]));
      consumer.addRecord(new ConsumerRecord<>("theirs", 1, offset, null, new byte[1]));
    }
    return consumer.poll(Duration.ZERO);
  }

  private long committed(TopicPartition partition) {
    OffsetAndMetadata offset = consumer.committed(Set.of(partition)).get(partition);
    return offset == null ? 0 : offset.offset();
  }

  @Test
  void commitsWhatWasCopiedBeforeALetterFailed() {
    int[] added = new int[1];
    assertThatThrownBy(
            () ->
                DeadLetterImport.copy(
                    consumer,
                    polled(),
                    100,
                    record -> {
                      if (++added[0] == 5) {
                        throw new IllegalStateException("not confirmed");
                      }
                    }))
        .hasMessage("not confirmed");
    assertThat(committed(FIRST) + committed(SECOND)).isEqualTo(4);
  }

  @Test
  void commitsWhatWasCopiedBeforeAnError() {
    int[] added = new int[1];
    assertThatThrownBy(
            () ->
                DeadLetterImport.copy(
                    consumer,
                    polled(),
                    100,
                    record -> {
                      if (++added[0] == 5) {
                        throw new NoClassDefFoundError("planted");
                      }
                    }))
        .hasMessage("planted");
    assertThat(committed(FIRST) + committed(SECOND)).isEqualTo(4);
  }

  @Test
  void commitsNothingBeyondTheLimit() {
    assertThat(DeadLetterImport.copy(consumer, polled(), 4, record -> {})).isEqualTo(4);
    assertThat(committed(FIRST) + committed(SECOND)).isEqualTo(4);
  }
}
