package io.commslib.core.format;

import static io.commslib.core.format.ValueSource.assignedId;
import static io.commslib.core.format.ValueSource.constant;
import static io.commslib.core.format.ValueSource.header;
import static io.commslib.core.format.ValueSource.property;
import static io.commslib.core.format.ValueSource.recordKey;
import static io.commslib.core.format.ValueSource.routingKey;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.CodecException;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.OrderingKeys;
import io.commslib.core.messaging.RecordPosition;
import io.commslib.core.messaging.UnknownTypeException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PlainFormatBuilderTest {

  private static final byte[] BODY = bytes("body");

  private static final MessageFormat HEADERS =
      PlainFormatBuilder.bytes("application/x-order")
          .type(header("eventType"))
          .types(Map.of("OrderCreated", "order.created", "OrderDeleted", "order.deleted"))
          .id(header("eventId"))
          .source(header("app"))
          .key(header("customer"))
          .time(header("at"))
          .correlationId(header("conversation"))
          .build();

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static ForeignRecord.Builder record() {
    return ForeignRecord.builder().body(BODY).boundName("orders").assignedId("assigned-1");
  }

  private static ForeignRecord.Builder full() {
    return record()
        .header("eventType", bytes("OrderCreated"))
        .header("eventId", bytes("e-1"))
        .header("app", bytes("shop"))
        .header("customer", bytes("c-7"))
        .header("at", bytes("1777802400000"))
        .header("conversation", bytes("talk"));
  }

  @Test
  void eachAttributeComesFromItsPlace() {
    Message read = HEADERS.read(full().header("X-Tenant", "north").build());
    assertThat(read.type()).isEqualTo("order.created");
    assertThat(read.id()).isEqualTo("e-1");
    assertThat(read.source()).isEqualTo("shop");
    assertThat(read.key()).contains("c-7");
    assertThat(read.time()).contains(Instant.ofEpochMilli(1_777_802_400_000L));
    assertThat(read.correlationId()).contains("talk");
    assertThat(read.contentType()).isEqualTo("application/x-order");
    assertThat(read.body()).isEqualTo(BODY);
    assertThat(read.headers()).isEqualTo(Map.of("x-tenant", "north"));
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    Message message = HEADERS.read(full().header("tenant", "north").build());
    ForeignRecord written = HEADERS.write(message);
    assertThat(written.texts())
        .containsEntry("eventType", "OrderCreated")
        .containsEntry("eventId", "e-1")
        .containsEntry("at", "2026-05-03T10:00:00Z")
        .containsEntry("tenant", "north");
    assertThat(written.keyText()).contains("c-7");
    assertThat(written.properties())
        .containsEntry("message-id", "e-1")
        .containsEntry("content-type", "application/x-order");
    Message back = HEADERS.read(written);
    assertThat(back.identity()).isEqualTo(message.identity());
    assertThat(back.type()).isEqualTo(message.type());
    assertThat(back.key()).isEqualTo(message.key());
    assertThat(back.time()).isEqualTo(message.time());
    assertThat(back.correlationId()).isEqualTo(message.correlationId());
    assertThat(back.headers()).isEqualTo(message.headers());
    assertThat(back.body()).isEqualTo(message.body());
  }

  @Test
  void withoutSourcesTheRecordsKeyItsBoundNameAndTheAssignedIdCount() {
    MessageFormat format = PlainFormatBuilder.bytes("text/plain").type("t").build();
    assertThat(format.alwaysFindsId()).isFalse();
    Message read = format.read(record().key("k").build());
    assertThat(read.id()).isEqualTo("assigned-1");
    assertThat(read.source()).isEqualTo("orders");
    assertThat(read.key()).contains("k");
    assertThat(read.time()).isEmpty();
  }

  @Test
  void propertiesAndTheRoutingKeyOfAmqpAreSources() {
    MessageFormat format =
        PlainFormatBuilder.bytes("text/plain")
            .type(routingKey())
            .id(property("message-id").or(assignedId()))
            .time(property("timestamp"))
            .correlationId(property("correlation-id"))
            .build();
    assertThat(format.alwaysFindsId()).isFalse();
    Instant time = Instant.parse("2026-05-03T10:00:00Z");
    ForeignRecord.Builder record =
        record()
            .publishedTo("domain-events", "order.created")
            .property("timestamp", time)
            .property("correlation-id", "c");
    Message read = format.read(record.build());
    assertThat(read.type()).isEqualTo("order.created");
    assertThat(read.id()).isEqualTo("assigned-1");
    assertThat(read.time()).contains(time);
    assertThat(read.correlationId()).contains("c");
    assertThat(format.read(record.property("message-id", "m").build()).id()).isEqualTo("m");
    assertThat(format.write(read).properties())
        .containsEntry("timestamp", time)
        .containsEntry("correlation-id", "c")
        .containsEntry("message-id", "assigned-1");
  }

  @ParameterizedTest
  @ValueSource(strings = {"eventType", "eventId", "app"})
  void aMissingValueIsRefused(String name) {
    ForeignRecord.Builder record = record();
    full().build().texts().forEach((header, value) -> addUnless(record, name, header, value));
    assertThatThrownBy(() -> HEADERS.read(record.build()))
        .isInstanceOf(CodecException.class)
        .hasMessageStartingWith("COMMS-CORE-031")
        .hasMessageContaining("header " + name);
  }

  private static void addUnless(
      ForeignRecord.Builder record, String missing, String name, String value) {
    if (!name.equals(missing)) {
      record.header(name, value);
    }
  }

  @Test
  void aValueThatIsNoTextIsNotFound() {
    ForeignRecord.Builder record = record().header("eventId", new byte[] {(byte) 0xff});
    full().build().texts().forEach((name, value) -> addUnless(record, "eventId", name, value));
    assertThatThrownBy(() -> HEADERS.read(record.build()))
        .hasMessageStartingWith("COMMS-CORE-031: id: none");
  }

  @Test
  void theFirstOfRepeatedHeadersCountsAndOthersStayInTheRecord() {
    ForeignRecord record =
        full()
            .header("eventId", bytes("e-2"))
            .header("Raw", new byte[] {(byte) 0xff})
            .header("ok", bytes("1"))
            .header("OK", bytes("2"))
            .build();
    Message read = HEADERS.read(record);
    assertThat(read.id()).isEqualTo("e-1");
    assertThat(read.headers()).isEqualTo(Map.of("ok", "1"));
    assertThat(record.headers()).hasSize(10);
  }

  @Test
  void longAndForeignTextsAreHandled() {
    String id = "bestellung-\u00e4".repeat(20);
    ForeignRecord.Builder record = record().header("eventId", bytes(id));
    full().build().texts().forEach((name, value) -> addUnless(record, "eventId", name, value));
    assertThat(HEADERS.read(record.build()).id()).isEqualTo(id);
  }

  @Test
  void aTimeWithoutZoneIsRefused() {
    ForeignRecord.Builder record = record().header("at", bytes("2026-05-03T10:00:00"));
    full().build().texts().forEach((name, value) -> addUnless(record, "at", name, value));
    assertThatThrownBy(() -> HEADERS.read(record.build()))
        .hasMessage(
            "COMMS-CORE-031: time: '2026-05-03T10:00:00' (expected: as in RFC 3339, such as"
                + " 2026-05-03T10:00:00Z, or milliseconds since 1970, in header at)");
  }

  @Test
  void anUnlistedTypeIsUnknownAndIsNoTypeOfTheList() {
    ForeignRecord.Builder record = record().header("eventType", bytes("order.created"));
    full().build().texts().forEach((name, value) -> addUnless(record, "eventType", name, value));
    assertThatThrownBy(() -> HEADERS.read(record.build()))
        .isInstanceOfSatisfying(
            UnknownTypeException.class,
            unknown -> assertThat(unknown.received().type()).isEqualTo("unknown:order.created"))
        .hasMessageMatching(
            "COMMS-CORE-032: header eventType: 'order.created' \\(expected: one of the types of the"
                + " format: .*");
  }

  @Test
  void aTombstoneHasTheTypeThatIsNamedForIt() {
    MessageFormat format =
        PlainFormatBuilder.bytes("text/plain").type("order.created").tombstone("gone").build();
    ForeignRecord tombstone =
        ForeignRecord.builder().key("k").assignedId("a").boundName("orders").build();
    Message read = format.read(tombstone);
    assertThat(read.type()).isEqualTo("gone");
    assertThat(read.key()).contains("k");
    assertThat(read.bodyLength()).isZero();
    assertThat(format.write(read).hasBody()).isFalse();
    Message filled = read.toBuilder().body(BODY).build();
    assertThatThrownBy(() -> format.write(filled)).hasMessageStartingWith("COMMS-CORE-033");
  }

  @Test
  void aTombstoneWithoutNamedTypeIsUnknown() {
    MessageFormat format =
        PlainFormatBuilder.bytes("text/plain").type("t").id(header("eventId")).build();
    ForeignRecord tombstone =
        ForeignRecord.builder().key("k").position(new RecordPosition("orders", null, 1, 7)).build();
    assertThatThrownBy(() -> format.read(tombstone))
        .isInstanceOfSatisfying(
            UnknownTypeException.class,
            unknown -> assertThat(unknown.received().type()).isEqualTo("unknown:tombstone"))
        .hasMessageStartingWith("COMMS-CORE-032: type of a tombstone: none");
  }

  @Test
  void theOrderingKeyIsTheMessagesKey() {
    byte[] binary = {(byte) 0xff, 0};
    MessageFormat format = PlainFormatBuilder.bytes("text/plain").type("t").build();
    for (byte[] key : new byte[][] {binary, {}, bytes("k"), bytes("\u00e4".repeat(300))}) {
      ForeignRecord record = record().key(key).build();
      Message read = format.read(record);
      assertThat(format.orderingKey(record)).isEqualTo(read.key()).contains(OrderingKeys.of(key));
    }
    assertThat(format.write(format.read(record().key(binary).build())).key()).contains(binary);
    ForeignRecord noKey = record().build();
    assertThat(format.orderingKey(noKey)).isEmpty();
    assertThat(format.read(noKey).key()).isEmpty();
    assertThat(HEADERS.orderingKey(full().build())).contains("c-7");
  }

  @Test
  void whatTheFormatCanNotSayIsRefused() {
    MessageFormat format = PlainFormatBuilder.bytes("text/plain").type("order.created").build();
    Message good =
        Message.builder("order.created").contentType("text/plain; charset=utf-8").build();
    assertThat(format.write(good).headers()).isEmpty();
    Message otherType = Message.builder("order.deleted").contentType("text/plain").build();
    assertThatThrownBy(() -> format.write(otherType))
        .hasMessage(
            "COMMS-CORE-033: type: 'order.deleted' (expected: 'order.created', in constant"
                + " order.created)");
    for (Message message :
        new Message[] {
          good.toBuilder().version(2).build(), good.toBuilder().contentType("text/html").build()
        }) {
      assertThatThrownBy(() -> format.write(message)).hasMessageStartingWith("COMMS-CORE-033");
    }
    Message unlisted =
        Message.builder("order.shipped").contentType("application/x-order").key("k").build();
    assertThatThrownBy(() -> HEADERS.write(unlisted)).hasMessageStartingWith("COMMS-CORE-033");
  }

  @Test
  void onlyHeadersWithAttributesAreNeeded() {
    assertThat(HEADERS.needs("eventId")).isTrue();
    assertThat(HEADERS.needs("content-type")).isTrue();
    assertThat(HEADERS.needs("tenant")).isFalse();
  }

  @Test
  void theNameStatesTheSettings() {
    assertThat(PlainFormatBuilder.bytes("text/plain").type("t").key(recordKey()).build().name())
        .isEqualTo(
            "plain text/plain (type: constant t, source: bound name, id: assigned id, key: record"
                + " key, tombstone: unknown type)");
  }

  @Test
  void settingsAreChecked() {
    PlainFormatBuilder builder = PlainFormatBuilder.bytes("text/plain");
    assertThatIllegalStateException().isThrownBy(builder::build).withMessageStartingWith("type");
    builder.type("t").id(io.commslib.core.format.ValueSource.body("/id"));
    assertThatIllegalArgumentException().isThrownBy(builder::build).withMessageStartingWith("path");
    assertThatIllegalArgumentException().isThrownBy(() -> builder.types(Map.of()));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> builder.types(Map.of("a", "same", "b", "same")));
    assertThatIllegalArgumentException().isThrownBy(() -> header("commslib-record-id"));
    assertThatIllegalArgumentException().isThrownBy(() -> property("user-id"));
    assertThatIllegalArgumentException().isThrownBy(() -> constant(""));
  }
}
