package io.commslib.jackson;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.CodecException;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.UnknownTypeException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MassTransitFormatTest {

  private static final String ID = "181c0000-6393-3630-36a4-08daf4e7c6da";
  private static final String TALK = "7f3d0000-6393-3630-4e4f-08daf4e7c6de";
  private static final String CAUSE = "00000000-6393-3630-4e4f-08daf4e7c6de";

  private static final MassTransitFormat FORMAT =
      MassTransitFormat.of(
          Map.of(
              "urn:message:Contracts:OrderCreated", "order.created",
              "urn:message:Contracts:OrderDeleted", "order.deleted"));

  private static final String ENVELOPE =
      """
      {"messageId":"%s","requestId":null,"correlationId":null,"conversationId":"%s",
       "initiatorId":"%s","sourceAddress":"rabbitmq://host/shop",
       "destinationAddress":"rabbitmq://host/Contracts:OrderCreated",
       "messageType":["urn:message:Contracts:OrderAudited","urn:message:Contracts:OrderCreated"],
       "message":{"orderId":"o-1","amount":2.50},
       "expirationTime":"2026-05-04T10:00:00Z","sentTime":"2026-05-03T10:00:00.1234567Z",
       "headers":{"Tenant":"north","n":3,"deep":{}},
       "host":{"machineName":"m"}}
      """
          .formatted(ID, TALK, CAUSE);

  private static ForeignRecord record(String body) {
    return ForeignRecord.builder()
        .header("content-type", "application/vnd.masstransit+json")
        .boundName("Contracts:OrderCreated")
        .body(body.getBytes(StandardCharsets.UTF_8))
        .build();
  }

  @Test
  void anEnvelopeIsRead() {
    assertThat(FORMAT.reads(record(ENVELOPE))).isTrue();
    Message read = FORMAT.read(record(ENVELOPE));
    assertThat(read.id()).isEqualTo(ID);
    assertThat(read.type()).isEqualTo("order.created");
    assertThat(read.source()).isEqualTo("rabbitmq://host/shop");
    assertThat(read.correlationId()).contains(TALK);
    assertThat(read.causationId()).contains(CAUSE);
    assertThat(read.time()).contains(Instant.parse("2026-05-03T10:00:00.1234567Z"));
    assertThat(read.expiry()).contains(Instant.parse("2026-05-04T10:00:00Z"));
    assertThat(read.headers()).isEqualTo(Map.of("tenant", "north", "n", "3"));
    assertThat(read.contentType()).isEqualTo("application/json");
    assertThat(new String(read.body(), StandardCharsets.UTF_8))
        .isEqualTo("{\"orderId\":\"o-1\",\"amount\":2.50}");
    assertThat(read.key()).isEmpty();
  }

  @Test
  void whatIsWrittenIsReadAgain() {
    Message read = FORMAT.read(record(ENVELOPE));
    ForeignRecord written = FORMAT.write(read);
    assertThat(written.properties())
        .containsEntry("content-type", "application/vnd.masstransit+json");
    assertThat(new String(written.body(), StandardCharsets.UTF_8))
        .isEqualTo(
            ("{'messageId':'"
                    + ID
                    + "','correlationId':'"
                    + TALK
                    + "','conversationId':'"
                    + TALK
                    + "','initiatorId':'"
                    + CAUSE
                    + "','sourceAddress':'rabbitmq://host/shop',"
                    + "'messageType':['urn:message:Contracts:OrderCreated'],"
                    + "'message':{'orderId':'o-1','amount':2.50},"
                    + "'expirationTime':'2026-05-04T10:00:00Z',"
                    + "'sentTime':'2026-05-03T10:00:00.123456700Z',"
                    + "'headers':{'tenant':'north','n':'3'}}")
                .replace('\'', '"'));
    Message back = FORMAT.read(written);
    assertThat(back.identity()).isEqualTo(read.identity());
    assertThat(back.headers()).isEqualTo(read.headers());
    assertThat(back.body()).isEqualTo(read.body());
    assertThat(back.expiry()).isEqualTo(read.expiry());
  }

  @Test
  void theKeyMayStandInTheMessage() {
    MessageFormat format = FORMAT.key("/orderId");
    Message read = format.read(record(ENVELOPE));
    assertThat(read.key()).contains("o-1");
    assertThat(format.orderingKey(record(ENVELOPE))).contains("o-1");
    assertThat(format.write(read).keyText()).contains("o-1");
    Message other = read.toBuilder().key("o-2").build();
    assertThatThrownBy(() -> format.write(other)).hasMessageStartingWith("COMMS-CORE-033: key");
    ForeignRecord none = record(ENVELOPE.replace("orderId", "other"));
    assertThatThrownBy(() -> format.read(none)).hasMessageStartingWith("COMMS-JACKSON-006");
  }

  @Test
  void anotherTypeIsUnknown() {
    ForeignRecord record = record(ENVELOPE.replace("OrderCreated\"]", "OrderPaid\"]"));
    assertThatThrownBy(() -> FORMAT.read(record))
        .isInstanceOfSatisfying(
            UnknownTypeException.class,
            unknown ->
                assertThat(unknown.received().type())
                    .isEqualTo("unknown:urn:message:Contracts:OrderAudited"));
  }

  @ParameterizedTest
  @CsvSource({
    "\"message\":, \"other\":, COMMS-JACKSON-006",
    "\"messageType\":, \"other\":, COMMS-JACKSON-006",
    "\"messageId\":, \"other\":, COMMS-CORE-031",
    "\"requestId\":null, \"messageId\":\"x\", COMMS-JACKSON-003",
    "\"correlationId\":null, \"correlationId\":7, COMMS-JACKSON-006",
    "2026-05-04T10:00:00Z, tomorrow, COMMS-JACKSON-006",
  })
  void anEnvelopeThatIsNoneIsRefused(String part, String replacement, String code) {
    ForeignRecord record = record(ENVELOPE.replace(part, replacement));
    assertThatThrownBy(() -> FORMAT.read(record))
        .isInstanceOf(CodecException.class)
        .hasMessageStartingWith(code);
  }

  @Test
  void malformedAndDeepJsonIsRefused() {
    for (String body : new String[] {"", "[]", "7", "{\"message\":" + "[".repeat(100_000)}) {
      assertThatThrownBy(() -> FORMAT.read(record(body)))
          .isInstanceOf(CodecException.class)
          .hasMessageStartingWith("COMMS-JACKSON-00");
    }
  }

  @Test
  void whatMassTransitCanNotReadIsNotWritten() {
    Message good = FORMAT.read(record(ENVELOPE));
    for (Message message :
        new Message[] {
          good.toBuilder().id("order-1").build(),
          good.toBuilder().correlationId("saga-1").build(),
          good.toBuilder().version(2).build(),
          good.toBuilder().contentType("text/plain").build(),
          Message.builder("order.paid").contentType("application/json").build()
        }) {
      assertThatThrownBy(() -> FORMAT.write(message)).hasMessageStartingWith("COMMS-CORE-033");
    }
    Message broken = good.toBuilder().body(new byte[] {'x'}).build();
    assertThatThrownBy(() -> FORMAT.write(broken)).hasMessageStartingWith("COMMS-JACKSON-003");
  }
}
