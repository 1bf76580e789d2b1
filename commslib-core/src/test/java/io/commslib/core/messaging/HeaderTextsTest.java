package io.commslib.core.messaging;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.CodecException;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HeaderTextsTest {

  private static final CloudEventsEnvelope ENVELOPE = new CloudEventsEnvelope("ce_");

  @Test
  void isAMapThatKeepsTheFirstOfEqualNames() {
    HeaderTexts headers =
        HeaderTexts.builder(1)
            .add("a", "1")
            .add("b", utf8("\u00fc"))
            .add("a", "3")
            .add("c", "")
            .build();
    Map<String, String> expected = new LinkedHashMap<>();
    expected.put("a", "1");
    expected.put("b", "\u00fc");
    expected.put("c", "");
    assertThat((Map<String, String>) headers)
        .containsExactlyEntriesOf(expected)
        .isEqualTo(expected);
    assertThat(headers.get("b")).isEqualTo("\u00fc");
    assertThat(headers.get("d")).isNull();
    assertThatThrownBy(() -> headers.put("d", "x"))
        .isInstanceOf(UnsupportedOperationException.class);
  }

  @Test
  void findsEachOfManyHeaders() {
    HeaderTexts.Builder builder = HeaderTexts.builder(4);
    for (int i = 0; i < 100_000; i++) {
      builder.add("h" + i % 50_000, Integer.toString(i));
    }
    HeaderTexts headers = builder.build();
    assertThat(headers).hasSize(50_000);
    for (int i = 0; i < 50_000; i++) {
      assertThat(headers.get("h" + i)).isEqualTo(Integer.toString(i));
    }
  }

  @Test
  void aMessageReadFromBytesEqualsTheOneThatWasWritten() {
    Message sent =
        Message.builder("order.placed")
            .id("id-1")
            .version(3)
            .source("/orders/\u00fc")
            .key("k\u00fc")
            .subject("s")
            .time(Instant.parse("2026-05-03T10:00:00.123Z"))
            .contentType("application/json")
            .header("tenant", "blue")
            .correlationId("corr")
            .causationId("cause")
            .traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .expiry(Instant.parse("2027-01-01T00:00:00Z"))
            .idempotencyKey("once")
            .body(new byte[] {1})
            .build();
    Message read = ENVELOPE.read(bytes(ENVELOPE.write(sent)));
    assertThat(ENVELOPE.write(read).texts()).isEqualTo(ENVELOPE.write(sent).texts());
    assertThat(read.toBuilder().build().headers()).isEqualTo(sent.headers());
    assertThat(read.key()).hasValue("k\u00fc");
    assertThat(read.body()).containsExactly(1);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2026-05-03T10:00:00Z",
        "2024-02-29T23:59:59.123456789Z",
        "2026-05-03T10:00:00+02:00",
        "2026-05-03T10:00Z",
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59Z",
        "9999-12-31T23:59:59.999999999Z"
      })
  void readsTimesOfEveryForm(String time) {
    Message read = ENVELOPE.read(withTime(time));
    assertThat(read.time()).hasValue(java.time.OffsetDateTime.parse(time).toInstant());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "2026-02-29T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "2026-01-01 00:00:00Z",
        "2026-01-01T00:00:00",
        "2026-01-01T00:00:00.1234567890Z",
        "0000-01-01T00:00:00Z",
        "+10000-01-01T00:00:00Z",
        ""
      })
  void refusesInvalidTimes(String time) {
    assertThatThrownBy(() -> ENVELOPE.read(withTime(time)))
        .isInstanceOf(CodecException.class)
        .hasMessageStartingWith("COMMS-CORE-023");
  }

  @ParameterizedTest
  @ValueSource(strings = {"id", "type", "source", "subject", "correlationid"})
  void refusesControlCharactersInBytesAsInText(String attribute) {
    Map<String, String> headers =
        new LinkedHashMap<>(ENVELOPE.write(Message.builder("t").build()).texts());
    headers.put("ce_" + attribute, "a\u0000b");
    assertThatThrownBy(() -> ENVELOPE.read(bytes(new ForeignRecord(null, headers, new byte[0]))))
        .isInstanceOf(CodecException.class);
  }

  private static ForeignRecord withTime(String time) {
    Map<String, String> headers =
        new LinkedHashMap<>(ENVELOPE.write(Message.builder("t").build()).texts());
    headers.put("ce_time", time);
    return bytes(new ForeignRecord(null, headers, new byte[0]));
  }

  private static ForeignRecord bytes(ForeignRecord wire) {
    HeaderTexts.Builder headers = HeaderTexts.builder(8);
    wire.texts().forEach((name, value) -> headers.add(name, utf8(value)));
    return new ForeignRecord(wire.keyText().orElse(null), headers.build(), wire.body());
  }

  private static byte[] utf8(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
