package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.CodecException;
import io.commslib.core.messaging.ForeignRecord;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.header.Header;
import org.junit.jupiter.api.Test;

class KafkaRecordsTest {

  @Test
  void writesTheRecordOfAFormatAsItIs() {
    byte[] noText = {(byte) 0xff};
    ForeignRecord record =
        ForeignRecord.builder()
            .key(noText)
            .header("X-Tenant", "a")
            .header("X-Tenant", noText)
            .header("number", 7)
            .header("none", null)
            .build();

    ProducerRecord<byte[], byte[]> written = KafkaRecords.record("orders", record);

    assertThat(written.key()).isEqualTo(noText);
    assertThat(written.value()).as("a tombstone").isNull();
    assertThat(written.headers())
        .extracting(Header::key)
        .containsExactly("X-Tenant", "X-Tenant", "number", "none");
    assertThat(written.headers().headers("X-Tenant"))
        .extracting(Header::value)
        .containsExactly("a".getBytes(StandardCharsets.UTF_8), noText);
    assertThat(written.headers().lastHeader("number").value()).containsExactly('7');
    assertThat(written.headers().lastHeader("none").value()).isNull();
  }

  @Test
  void refusesAHeaderThatKafkaCannotCarry() {
    ForeignRecord record = ForeignRecord.builder().header("table", Map.of("x", 1)).build();

    assertThatThrownBy(() -> KafkaRecords.record("orders", record))
        .isInstanceOf(CodecException.class)
        .hasMessageMatching(
            "COMMS-CORE-027: header 'table': java.util.ImmutableCollections.Map1 "
                + "\\(expected: bytes, a string, a number or a boolean\\)");
  }
}
