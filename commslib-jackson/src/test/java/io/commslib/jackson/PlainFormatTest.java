package io.commslib.jackson;

import static io.commslib.core.format.ValueSource.assignedId;
import static io.commslib.core.format.ValueSource.recordKey;
import static io.commslib.jackson.PlainFormat.field;
import static io.commslib.jackson.PlainFormat.pointer;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
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
import org.junit.jupiter.params.provider.CsvSource;

class PlainFormatTest {

  private static final MessageFormat PLAIN =
      PlainFormat.json().type("order.created").id(field("eventId")).key(recordKey()).build();

  private static final MessageFormat NESTED =
      PlainFormat.json()
          .type(field("kind"))
          .types(Map.of("created", "order.created"))
          .id(pointer("/meta/ids/1"))
          .key(field("a/b~c"))
          .time(pointer("/meta/at"))
          .tombstone("order.deleted")
          .build();

  private static final String NESTED_BODY =
      "{\"kind\":\"created\",\"a/b~c\":17,\"rest\":{\"x\":[1,{}]},"
          + "\"meta\":{\"ids\":[null,\"e-1\"],\"at\":1777802400000}}";

  private static ForeignRecord record(String body) {
    return ForeignRecord.builder()
        .key("k")
        .body(body.getBytes(StandardCharsets.UTF_8))
        .boundName("orders")
        .build();
  }

  @Test
  void aRecordOfKafkajsIsRead() {
    ForeignRecord record = record("{\"eventId\":\"e-1\",\"amount\":3}");
    Message read = PLAIN.read(record);
    assertThat(PLAIN.alwaysFindsId()).isTrue();
    assertThat(read.id()).isEqualTo("e-1");
    assertThat(read.type()).isEqualTo("order.created");
    assertThat(read.source()).isEqualTo("orders");
    assertThat(read.key()).contains("k");
    assertThat(read.contentType()).isEqualTo("application/json");
    assertThat(PLAIN.write(read).body()).isEqualTo(record.body());
    assertThat(PLAIN.write(read).headers()).isEmpty();
  }

  @Test
  void valuesStandAtPointers() {
    Message read = NESTED.read(record(NESTED_BODY));
    assertThat(read.type()).isEqualTo("order.created");
    assertThat(read.id()).isEqualTo("e-1");
    assertThat(read.key()).contains("17");
    assertThat(read.time()).contains(Instant.ofEpochMilli(1_777_802_400_000L));
    assertThat(NESTED.orderingKey(record(NESTED_BODY))).contains("17");
  }

  @Test
  void aTombstoneHasAnAssignedIdAndTheKeyOfTheRecord() {
    assertThat(NESTED.alwaysFindsId()).isFalse();
    Message read =
        NESTED.read(ForeignRecord.builder().key("17").assignedId("a-1").boundName("t").build());
    assertThat(read.type()).isEqualTo("order.deleted");
    assertThat(read.id()).isEqualTo("a-1");
    assertThat(read.key()).contains("17");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '\'',
      value = {
        "{}                                        | COMMS-CORE-031",
        "{'eventId':null}                          | COMMS-CORE-031",
        "{'eventId':''}                            | COMMS-CORE-031",
        "{'eventId':'a','eventId':'b'}             | COMMS-JACKSON-003",
        "{'eventId':'a','x':{'y':1,'y':2}}         | COMMS-JACKSON-003",
        "{'eventId':{'id':'a'}}                    | COMMS-JACKSON-006",
        "{'eventId':['a']}                         | COMMS-JACKSON-006",
        "{'eventId':'a'                            | COMMS-JACKSON-003",
        "{'eventId':'a'}{'eventId':'b'}            | COMMS-JACKSON-003",
        "[1]                                       | COMMS-CORE-031",
        "7                                         | COMMS-CORE-031",
        "x                                         | COMMS-JACKSON-003",
      })
  void aBodyWithoutItsIdIsRefused(String body, String code) {
    assertThatThrownBy(() -> PLAIN.read(record(body.replace('\'', '"'))))
        .isInstanceOf(CodecException.class)
        .hasMessageStartingWith(code);
  }

  @Test
  void aValueThatIsNoTextIsNamedByItsPlace() {
    assertThatThrownBy(() -> PLAIN.read(record("{\"eventId\":[1]}")))
        .hasMessage(
            "COMMS-JACKSON-006: value at byte 11: an array"
                + " (expected: a text, a number or a boolean, since the format reads it)");
  }

  @Test
  void anEmptyBodyIsRefused() {
    assertThatThrownBy(() -> PLAIN.read(record(""))).hasMessageStartingWith("COMMS-JACKSON-003");
  }

  @Test
  void anObjectInThePlaceOfAValueIsNamed() {
    assertThatThrownBy(() -> PLAIN.read(record("{\"eventId\":{}}")))
        .hasMessage(
            "COMMS-JACKSON-006: value at byte 11: an object (expected: a text, a number or a"
                + " boolean, since the format reads it)");
  }

  @Test
  void deepJsonIsRefused() {
    String deep = "{\"eventId\":\"a\",\"x\":" + "[".repeat(100_000) + "]".repeat(100_000) + "}";
    assertThatThrownBy(() -> PLAIN.read(record(deep))).hasMessageStartingWith("COMMS-JACKSON-002");
  }

  @Test
  void aKeyThatIsMissingInTheBodyIsRefused() {
    ForeignRecord record = record("{\"kind\":\"created\",\"meta\":{\"ids\":[0,1]}}");
    assertThatThrownBy(() -> NESTED.read(record)).hasMessageStartingWith("COMMS-CORE-031: key");
    assertThatThrownBy(() -> NESTED.orderingKey(record)).isInstanceOf(CodecException.class);
  }

  @Test
  void anIdThatMayBeMissingIsAssigned() {
    MessageFormat format =
        PlainFormat.json().type("t").id(field("eventId").or(assignedId())).build();
    assertThat(format.alwaysFindsId()).isFalse();
    ForeignRecord none =
        ForeignRecord.builder()
            .body("{}".getBytes(StandardCharsets.UTF_8))
            .assignedId("a-1")
            .build();
    assertThat(format.read(none).id()).isEqualTo("a-1");
    assertThat(format.read(record("{\"eventId\":\"e\"}")).id()).isEqualTo("e");
  }

  @Test
  void aMessageThatContradictsItsBodyIsNotWritten() {
    Message good = PLAIN.read(record("{\"eventId\":\"e-1\"}"));
    Message other = good.toBuilder().id("e-2").build();
    assertThatThrownBy(() -> PLAIN.write(other))
        .hasMessage("COMMS-CORE-033: id: 'e-2' (expected: 'e-1', in body /eventId)");
    Message without = good.toBuilder().body("{}".getBytes(StandardCharsets.UTF_8)).build();
    assertThatThrownBy(() -> PLAIN.write(without))
        .hasMessageStartingWith("COMMS-CORE-033: id: 'e-1' (expected: a value that readers find");
    Message text = good.toBuilder().contentType("text/plain").build();
    assertThatThrownBy(() -> PLAIN.write(text)).hasMessageStartingWith("COMMS-CORE-033");
  }

  @Test
  void theKeyOfTheBodyIsTheRecordsKey() {
    Message message = NESTED.read(record(NESTED_BODY));
    assertThat(NESTED.write(message).keyText()).contains("17");
    Message unkeyed =
        Message.builder("order.created")
            .id("e-1")
            .contentType("application/json")
            .body(NESTED_BODY.getBytes(StandardCharsets.UTF_8))
            .build();
    assertThat(NESTED.write(unkeyed).keyText()).contains("17");
    Message contradicting = unkeyed.toBuilder().key("18").build();
    assertThatThrownBy(() -> NESTED.write(contradicting))
        .hasMessageStartingWith("COMMS-CORE-033: key");
  }

  @Test
  void aPointerBeginsWithASlash() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> PlainFormat.json().type("t").id(pointer("eventId")).build());
  }
}
