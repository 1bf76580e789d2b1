package io.commslib.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.CodecException;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

class ConfluentFormatTest {

  private static final byte[] FRAMED = {0, 0, 0, 1, 1, 42, 43};

  private static final MessageFormat FORMAT =
      ConfluentFormat.schemas(
              "application/avro",
              Map.of(
                  257, new ConfluentFormat.Schema("order.created", 2),
                  12, new ConfluentFormat.Schema("order.created", 2),
                  3, new ConfluentFormat.Schema("order.deleted", 1)))
          .id(ValueSource.header("event-id"))
          .tombstone("order.gone")
          .build();

  private static ForeignRecord.Builder record(byte... body) {
    return ForeignRecord.builder().key("k").header("event-id", "e-1").body(body);
  }

  @Test
  void theSchemaIdNamesTypeAndVersion() {
    Message read = FORMAT.read(record(FRAMED).build());
    assertThat(read.type()).isEqualTo("order.created");
    assertThat(read.version()).isEqualTo(2);
    assertThat(read.body()).containsExactly(42, 43);
    assertThat(read.bodyLength()).isEqualTo(2);
    assertThat(read.sharedBodyBuffer().get()).isEqualTo((byte) 42);
    assertThat(read.contentType()).isEqualTo("application/avro");
    assertThat(read.id()).isEqualTo("e-1");
    assertThat(read.key()).contains("k");
  }

  @Test
  void theFrameIsWritten() {
    Message read = FORMAT.read(record(FRAMED).build());
    ForeignRecord written = FORMAT.write(read);
    assertThat(written.body()).isEqualTo(FRAMED);
    assertThat(written.texts()).containsEntry("event-id", "e-1");
    Message unknown = read.toBuilder().version(3).build();
    assertThatThrownBy(() -> FORMAT.write(unknown))
        .hasMessage(
            "COMMS-CORE-033: type: 'order.created' v3 (expected: one whose schema id the format"
                + " knows)");
  }

  @Test
  void aTruncatedFrameAndAnUnknownSchemaAreRefused() {
    for (byte[] body : new byte[][] {{}, {0}, {0, 0, 0, 1}, {1, 0, 0, 1, 1, 42}, {123, 125}}) {
      assertThatThrownBy(() -> FORMAT.read(record(body).build()))
          .isInstanceOf(CodecException.class)
          .hasMessageStartingWith("COMMS-CORE-031");
    }
    assertThatThrownBy(
            () -> FORMAT.read(record((byte) 0, (byte) 0, (byte) 0, (byte) 0, (byte) 9).build()))
        .isInstanceOf(CodecException.class)
        .hasMessage("COMMS-CORE-034: schema id: 9 (expected: one that the format knows)");
  }

  @Test
  void aTombstoneHasNoFrame() {
    ForeignRecord tombstone = ForeignRecord.builder().key("k").header("event-id", "e-1").build();
    Message read = FORMAT.read(tombstone);
    assertThat(read.type()).isEqualTo("order.gone");
    assertThat(FORMAT.write(read).hasBody()).isFalse();
  }

  @Test
  void functionsOfTheApplicationMayKnowTheSchemas() {
    MessageFormat format =
        ConfluentFormat.schemas(
                "application/avro",
                id -> Optional.of(new ConfluentFormat.Schema("type-" + id, 1)),
                schema -> OptionalInt.of(Integer.parseInt(schema.type().substring(5))))
            .build();
    Message read = format.read(record(FRAMED).assignedId("a").build());
    assertThat(read.type()).isEqualTo("type-257");
    assertThat(format.write(read).body()).isEqualTo(FRAMED);
  }
}
