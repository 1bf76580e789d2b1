package io.commslib.core.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.UnknownTypeException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;

class SpringFormatTest {

  private static final Map<String, String> TYPES =
      Map.of(Trap.class.getName(), "order.created", "deleted", "order.deleted");

  /** A class that notices that it is initialised. */
  static final class Trap {
    static {
      SpringFormatTest.loaded = true;
    }

    private Trap() {}
  }

  private static volatile boolean loaded;

  private static ForeignRecord.Builder record(String typeId) {
    return ForeignRecord.builder()
        .key("k")
        .header(SpringFormat.TYPE_ID, typeId.getBytes(StandardCharsets.UTF_8))
        .body("{}".getBytes(StandardCharsets.UTF_8))
        .boundName("orders")
        .assignedId("a-1");
  }

  @Test
  void theHeadersOfACollectionAreNeeded() {
    MessageFormat format = SpringFormat.kafka(TYPES).build();
    assertThat(format.needs("__TypeId__")).isTrue();
    assertThat(format.needs("__ContentTypeId__")).isTrue();
    assertThat(format.needs("__KeyTypeId__")).isTrue();
    assertThat(format.needs("other")).isFalse();
  }

  @Test
  void aTypeHeaderLoadsNoClass() {
    MessageFormat format = SpringFormat.kafka(TYPES).build();
    Message read = format.read(record(Trap.class.getName()).build());
    assertThat(read.type()).isEqualTo("order.created");
    for (String other :
        new String[] {
          "io.commslib.core.format.SpringFormatTest$Other",
          "javax.naming.InitialContext",
          "java.util.ArrayList",
          "order.created",
          "[Ljava.lang.String;"
        }) {
      assertThatThrownBy(() -> format.read(record(other).build()))
          .isInstanceOf(UnknownTypeException.class)
          .hasMessageStartingWith("COMMS-CORE-032");
    }
    assertThat(loaded).isFalse();
  }

  @Test
  void aCollectionHasAnUnknownType() {
    MessageFormat format = SpringFormat.kafka(Map.of("java.util.ArrayList", "orders")).build();
    ForeignRecord record =
        record("java.util.ArrayList").header("__ContentTypeId__", "com.acme.Order").build();
    assertThatThrownBy(() -> format.read(record)).isInstanceOf(UnknownTypeException.class);
  }

  @Test
  void theTypeIsWrittenForSpringsConverter() {
    MessageFormat format = SpringFormat.kafka(TYPES).build();
    Message message =
        Message.builder("order.created").key("k").contentType("application/json").build();
    ForeignRecord written = format.write(message);
    assertThat(written.texts()).containsEntry("__TypeId__", Trap.class.getName());
    Message unlisted = Message.builder("order.shipped").contentType("application/json").build();
    assertThatThrownBy(() -> format.write(unlisted)).hasMessageStartingWith("COMMS-CORE-033");
    assertThat(loaded).isFalse();
  }

  @Test
  void springAmqpUsesThePropertiesOfTheProtocol() {
    MessageFormat format = SpringFormat.amqp(TYPES).build();
    Instant time = Instant.parse("2026-05-03T10:00:00Z");
    ForeignRecord record =
        record("deleted")
            .property("content-type", "application/json")
            .property("content-encoding", "UTF-8")
            .property("message-id", "m-1")
            .property("correlation-id", "c-1")
            .property("timestamp", time)
            .build();
    Message read = format.read(record);
    assertThat(read.type()).isEqualTo("order.deleted");
    assertThat(read.id()).isEqualTo("m-1");
    assertThat(read.correlationId()).contains("c-1");
    assertThat(read.time()).contains(time);
    ForeignRecord written = format.write(read);
    assertThat(written.properties())
        .containsEntry("message-id", "m-1")
        .containsEntry("correlation-id", "c-1")
        .containsEntry("timestamp", time)
        .containsEntry("content-type", "application/json");
    assertThat(written.texts()).containsEntry("__TypeId__", "deleted");
    assertThat(format.read(record("deleted").build()).id()).isEqualTo("a-1");
  }
}
