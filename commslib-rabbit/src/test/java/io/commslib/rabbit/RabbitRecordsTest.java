package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.impl.ContentHeaderPropertyWriter;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.wire.DeadLetterHeaders;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.time.Instant;
import java.util.HexFormat;
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

  @Test
  void thePropertiesOfAPublishedMessageAreTheseBytes() throws Exception {
    Message message =
        Message.builder("order.created")
            .id("o-1")
            .source("/orders")
            .correlationId("c-1")
            .time(Instant.parse("2026-03-01T10:00:00.5Z"))
            .build();
    OutgoingRecord record =
        RabbitRecords.message(
            new ForeignRecord(null, Map.of("content-type", "application/json"), new byte[0]),
            message);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    record
        .properties()
        .writePropertiesTo(new ContentHeaderPropertyWriter(new DataOutputStream(bytes)));
    // Flags, content type, delivery mode, correlation id, message id, timestamp in seconds, type.
    assertThat(HexFormat.of().formatHex(bytes.toByteArray()))
        .isEqualTo(
            "94e0"
                + "106170706c69636174696f6e2f6a736f6e"
                + "02"
                + "03632d31"
                + "036f2d31"
                + "0000000069a40e20"
                + "0d6f726465722e63726561746564");
  }

  @Test
  void aTimeBefore1970ThatAFormatWritesIsOmitted() {
    Map<String, Object> written = Map.of("timestamp", Instant.ofEpochSecond(-1));
    assertThat(RabbitValues.properties(written).build().getTimestamp()).isNull();
  }
}
