package io.commslib.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.CodecException;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;

class DebeziumFormatTest {

  private static final MessageFormat FORMAT = DebeziumFormat.router();

  private static final String ROW =
      "ce_specversion:1.0\nce_id:m-1\nce_source:/shop\nce_type:order.placed\n"
          + "ce_time:2026-05-03T10:00:00Z\nce_partitionkey:c-7\nce_dataversion:2\n"
          + "ce_traceparent:00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\n"
          + "ce_tracestate:v=1\nce_expirytime:2026-05-03T11:00:00Z\nce_expireswithcall:true\n"
          + "ce_correlationid:talk\ncontent-type:application/json\ntenant:north:2\n";

  /** What the router writes, without what the library's own headers would need. */
  private static ForeignRecord row(String headers) {
    return ForeignRecord.builder()
        .key("c-7")
        .header("id", "42".getBytes(StandardCharsets.UTF_8))
        .header(ForeignRecord.ROW_HEADERS, headers.getBytes(StandardCharsets.UTF_8))
        .body("{}".getBytes(StandardCharsets.UTF_8))
        .boundName("orders")
        .build();
  }

  @Test
  void aRowOfTheOutboxHasTheIdentityOfItsMessage() {
    Message read = FORMAT.read(row(ROW));
    assertThat(read.id()).isEqualTo("m-1");
    assertThat(read.source()).isEqualTo("/shop");
    assertThat(read.type()).isEqualTo("order.placed");
    assertThat(read.version()).isEqualTo(2);
    assertThat(read.key()).contains("c-7");
    assertThat(FORMAT.orderingKey(row(ROW))).contains("c-7");
    assertThat(read.time()).contains(Instant.parse("2026-05-03T10:00:00Z"));
    assertThat(read.correlationId()).contains("talk");
    assertThat(read.tracestate()).contains("v=1");
    assertThat(read.expiresWithCall()).isTrue();
    assertThat(read.contentType()).isEqualTo("application/json");
    assertThat(read.headers()).isEqualTo(Map.of("tenant", "north:2"));
    assertThat(FORMAT.needs(ForeignRecord.ROW_HEADERS)).isTrue();
    assertThat(ForeignRecord.isReserved(ForeignRecord.ROW_HEADERS)).isFalse();
    assertThat(ForeignRecord.isReserved("commslib-redrive-count")).isTrue();
  }

  @ParameterizedTest
  @org.junit.jupiter.params.provider.ValueSource(
      strings = {
        "commslib-redrive-count:7",
        "commslib-record-id:x",
        "ce_id:again",
        "no colon",
        "ce_dataversion2",
      })
  void aRowWithAPlantedLineIsRefused(String line) {
    assertThatThrownBy(() -> FORMAT.read(row(ROW + line + "\n")))
        .isInstanceOf(CodecException.class)
        .hasMessageStartingWith("COMMS-CORE-031: header commslib-headers");
  }

  @ParameterizedTest
  @org.junit.jupiter.params.provider.ValueSource(
      strings = {
        "ce_specversion:1.0\n",
        "ce_id:m-1\n",
        "ce_source:/shop\n",
        "ce_type:order.placed\n"
      })
  void aRowWithoutAnAttributeIsRefused(String line) {
    assertThatThrownBy(() -> FORMAT.read(row(ROW.replace(line, ""))))
        .isInstanceOf(CodecException.class)
        .hasMessageStartingWith("COMMS-CORE-031");
  }

  @Test
  void aRowWhoseHeaderIsNoTextIsNotTakenForOneOfAnotherOutbox() {
    ForeignRecord broken =
        ForeignRecord.builder()
            .header("id", "42")
            .header("eventType", "order.placed")
            .header(ForeignRecord.ROW_HEADERS, new byte[] {'c', 'e', (byte) 0xff})
            .body("{}".getBytes(StandardCharsets.UTF_8))
            .build();
    assertThatThrownBy(() -> FORMAT.read(broken))
        .isInstanceOf(CodecException.class)
        .hasMessageStartingWith("COMMS-CORE-031: header commslib-headers");
  }

  /** The relay would write the source of its transport, which no reader of the row knows. */
  @Test
  void aRowOfAnOutboxWithoutASourceIsRefused() {
    assertThatThrownBy(() -> FORMAT.read(row(ROW.replace("ce_source:/shop", "ce_source:/"))))
        .isInstanceOf(CodecException.class)
        .hasMessage(
            "COMMS-CORE-031: header commslib-headers, ce_source '/' (expected: the name of a service,"
                + " source of OutboxConfig; the relay would write that of its transport, which is"
                + " another identity)");
  }

  @Test
  void aRowOfAnotherOutboxHasItsIdAndTypeInHeaders() {
    ForeignRecord record =
        ForeignRecord.builder()
            .key("o-1")
            .header("id", "7f3d".getBytes(StandardCharsets.UTF_8))
            .header("eventType", "OrderCreated".getBytes(StandardCharsets.UTF_8))
            .body("{}".getBytes(StandardCharsets.UTF_8))
            .boundName("outbox.event.order")
            .build();
    MessageFormat format =
        DebeziumFormat.router(
            DebeziumFormat.rows().types(Map.of("OrderCreated", "order.created")).build());
    assertThat(format.alwaysFindsId()).isTrue();
    Message read = format.read(record);
    assertThat(read.id()).isEqualTo("7f3d");
    assertThat(read.type()).isEqualTo("order.created");
    assertThat(read.source()).isEqualTo("outbox.event.order");
    assertThat(read.key()).contains("o-1");
    ForeignRecord written = format.write(read);
    assertThat(written.texts())
        .containsEntry("eventType", "OrderCreated")
        .containsEntry("id", "7f3d");
    assertThatThrownBy(() -> format.read(ForeignRecord.builder().body(new byte[0]).build()))
        .hasMessageStartingWith("COMMS-CORE-031");
  }
}
