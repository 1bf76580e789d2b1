package io.commslib.jackson;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.CodecException;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CloudEventsJsonTest {

  private final CloudEventsEnvelope envelope =
      new CloudEventsEnvelope("ce_", CloudEventsJson.create());

  private Message read(String body) {
    return envelope.read(structured(body));
  }

  private static ForeignRecord structured(String body) {
    return new ForeignRecord(
        "k",
        Map.of("content-type", "application/cloudevents+json; charset=UTF-8", "tenant", "a"),
        body.getBytes(StandardCharsets.UTF_8));
  }

  private static String event(String more) {
    return "{\"specversion\":\"1.0\",\"id\":\"e1\",\"type\":\"shop.order\",\"source\":\"/shop\""
        + more
        + "}";
  }

  private static String body(Message message) {
    return new String(message.body(), StandardCharsets.UTF_8);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        ",\"id\":\"e2\"",
        ",\"partitionkey\":\"a\",\"partitionkey\":\"b\"",
        ",\"data\":{\"a\":1,\"a\":2}"
      })
  void aMemberThatOccursTwiceIsRefused(String more) {
    assertThatThrownBy(() -> read(event(more))).hasMessageStartingWith("COMMS-JACKSON-003: ");
  }

  @Test
  void readsAttributesExtensionsHeadersAndJsonData() {
    Message message =
        read(
            event(
                ",\"subject\":\"s\",\"time\":\"2026-01-02T03:04:05Z\",\"dataversion\":3,"
                    + "\"correlationid\":\"c1\",\"unknown\":true,\"absent\":null,"
                    + "\"data\":{\"a\": [1, 2.50]}"));
    assertThat(message.id()).isEqualTo("e1");
    assertThat(message.type()).isEqualTo("shop.order");
    assertThat(message.version()).isEqualTo(3);
    assertThat(message.source()).isEqualTo("/shop");
    assertThat(message.subject()).contains("s");
    assertThat(message.time().orElseThrow()).hasToString("2026-01-02T03:04:05Z");
    assertThat(message.correlationId()).contains("c1");
    assertThat(message.key()).contains("k");
    assertThat(message.headers()).containsExactly(Map.entry("tenant", "a"));
    assertThat(message.contentType()).isEqualTo("application/json");
    assertThat(body(message)).isEqualTo("{\"a\":[1,2.50]}");
  }

  @Test
  void readsTextAndBinaryDataAndNone() {
    Message text = read(event(",\"datacontenttype\":\"text/plain\",\"data\":\"\u00fc\""));
    assertThat(body(text)).isEqualTo("\u00fc");
    assertThat(text.contentType()).isEqualTo("text/plain");
    assertThat(body(read(event(",\"data\":\"json text\"")))).isEqualTo("\"json text\"");
    Message binary = read(event(",\"datacontenttype\":\"image/png\",\"data_base64\":\"AAH/\""));
    assertThat(binary.body()).containsExactly(0, 1, -1);
    assertThat(read(event("")).body()).isEmpty();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "null",
        "[]",
        "1",
        "{",
        "{}",
        "{\"specversion\":\"1.0\",\"id\":{\"a\":1},\"type\":\"t\"}",
        "{\"specversion\":\"1.0\",\"id\":\"e\",\"type\":\"t\",\"data\":1,\"data_base64\":\"AA\"}",
        "{\"specversion\":\"1.0\",\"id\":\"e\",\"type\":\"t\",\"data_base64\":\"***\"}",
        "{\"specversion\":\"1.0\",\"type\":\"t\"}",
        "{\"specversion\":\"0.3\",\"id\":\"e\",\"type\":\"t\"}"
      })
  void refusesAnythingButAnEvent(String body) {
    assertThatThrownBy(() -> read(body)).isInstanceOf(CodecException.class);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      textBlock =
          """
          1 | COMMS-JACKSON-004: can't read a CloudEvent in JSON: event: NUMBER (expected: an object)
          {"specversion":"1.0","id":{"a":1}} | COMMS-JACKSON-004: can't read a CloudEvent in JSON: attribute id: OBJECT (expected: a text, a number or a boolean)
          {"id":"e","data":1,"data_base64":"AA"} | COMMS-JACKSON-004: can't read a CloudEvent in JSON: data: both data and data_base64 (expected: one of them, or none)
          {"id":"e","data_base64":"***"} | COMMS-JACKSON-004: can't read a CloudEvent in JSON: data_base64: other characters (expected: Base64)
          """)
  void jsonThatIsNotAnEventIsRefusedWithItsRule(String body, String text) {
    assertThatThrownBy(() -> read(body)).isInstanceOf(CodecException.class).hasMessage(text);
  }

  @Test
  void refusesDepthBeyondTheLimit() {
    assertThatThrownBy(() -> read(event(",\"data\":" + "[".repeat(500) + "]".repeat(500))))
        .isInstanceOf(CodecException.class)
        .hasMessageContaining("COMMS-JACKSON-002");
  }

  @Test
  void binaryModeIsReadAsBefore() {
    ForeignRecord binary =
        new ForeignRecord(
            null,
            Map.of(
                "ce_specversion", "1.0",
                "ce_id", "e1",
                "ce_type", "t",
                "content-type", "application/cloudevents+json"),
            new byte[] {'x'});
    assertThat(envelope.read(binary).body()).containsExactly('x');
  }

  @Test
  void withoutAReaderStructuredModeIsRefused() {
    assertThatThrownBy(() -> new CloudEventsEnvelope("ce_").read(structured(event(""))))
        .isInstanceOf(CodecException.class)
        .hasMessageContaining("COMMS-CORE-021");
  }

  private static Message.Builder written() {
    return Message.builder("shop.order")
        .id("e1")
        .source("/shop")
        .key("k")
        .subject("s")
        .version(3)
        .time(Instant.parse("2026-01-02T03:04:05Z"))
        .correlationId("c1")
        .contentType("application/json")
        .header("tenant", "a")
        .body("{\"a\": [1, 2.50]}".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void writesAnEventInStructuredMode() {
    ForeignRecord record = CloudEventsJson.create().write(written().build());
    assertThat(new String(record.body(), StandardCharsets.UTF_8))
        .isEqualTo(
            ("{'specversion':'1.0','id':'e1','source':'/shop','type':'shop.order','subject':'s',"
                    + "'time':'2026-01-02T03:04:05Z','partitionkey':'k','dataversion':'3',"
                    + "'correlationid':'c1','datacontenttype':'application/json',"
                    + "'data':{'a':[1,2.50]}}")
                .replace('\'', '"'));
    assertThat(record.texts())
        .isEqualTo(
            Map.of("tenant", "a", "content-type", "application/cloudevents+json; charset=UTF-8"));
    assertThat(record.properties())
        .containsEntry("content-type", "application/cloudevents+json; charset=UTF-8")
        .containsEntry("message-id", "e1");
    assertThat(record.keyText()).contains("k");
  }

  @Test
  void readsWhatItWrites() {
    CloudEventsJson format = CloudEventsJson.create();
    for (Message message :
        new Message[] {
          written().build(),
          written().contentType("text/plain").build(),
          written().contentType("application/octet-stream").body(new byte[] {0, -1}).build(),
          written().body(new byte[0]).build()
        }) {
      ForeignRecord record = format.write(message);
      Message back = format.read(record);
      assertThat(back.identity()).isEqualTo(message.identity());
      assertThat(back.type()).isEqualTo(message.type());
      assertThat(back.version()).isEqualTo(message.version());
      assertThat(back.key()).isEqualTo(message.key()).isEqualTo(format.orderingKey(record));
      assertThat(back.subject()).isEqualTo(message.subject());
      assertThat(back.time()).isEqualTo(message.time());
      assertThat(back.contentType()).isEqualTo(message.contentType());
      assertThat(back.headers()).isEqualTo(message.headers());
      assertThat(body(back).replace(" ", "")).isEqualTo(body(message).replace(" ", ""));
    }
    Message noJson = written().body(new byte[] {'x'}).build();
    assertThatThrownBy(() -> format.write(noJson)).hasMessageStartingWith("COMMS-JACKSON-003");
  }
}
