package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.wire.DeadLetterHeaders;
import java.util.Map;
import org.junit.jupiter.api.Test;

class RabbitRecordsTest {

  /** The received headers are those of a tool that moves dead letters back to the source queue. */
  @Test
  void aReceivedDeadLetterHeaderDoesNotReplaceTheNewOne() {
    AMQP.BasicProperties received =
        new AMQP.BasicProperties.Builder()
            .headers(
                Map.of(
                    "commslib-dlq-reason", "OLD",
                    "commslib-dlq-attempts", "6",
                    "commslib-dlq-stack", "old",
                    "mine", "kept"))
            .build();
    ForeignRecord wire =
        RabbitRecords.wire(
            received, new byte[] {1}, false, new RabbitRoute("", "q", "q", false), null);

    ForeignRecord letter = DeadLetterHeaders.add(wire, Map.of("reason", "NEW", "attempts", "6"));
    OutgoingRecord written = RabbitRecords.deadLetter(letter, "id");

    assertThat(written.headers())
        .containsOnly(
            Map.entry("commslib-dlq-reason", "NEW"),
            Map.entry("commslib-dlq-attempts", "6"),
            Map.entry("mine", "kept"));
  }
}
