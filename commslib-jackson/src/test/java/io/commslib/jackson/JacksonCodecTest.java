package io.commslib.jackson;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class JacksonCodecTest {

  enum Size {
    SMALL,
    LARGE
  }

  record Line(String sku, int quantity, BigDecimal price) {}

  record Order(
      String id,
      List<Line> lines,
      Map<String, String> notes,
      Instant placed,
      OffsetDateTime local,
      Duration patience,
      Optional<Size> size) {}

  @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "kind")
  @JsonSubTypes({
    @JsonSubTypes.Type(value = Card.class, name = "card"),
    @JsonSubTypes.Type(value = Invoice.class, name = "invoice")
  })
  sealed interface Payment permits Card, Invoice {}

  record Card(String last4) implements Payment {}

  record Invoice(int days) implements Payment {}

  record Ping() {}

  private static final Order ORDER =
      new Order(
          "o-1",
          List.of(new Line("b\u00fcro-\ud83d\ude00", 3, new BigDecimal("12.3400"))),
          Map.of("gift", "yes \" \\ \n"),
          Instant.parse("2026-11-20T10:15:30.123456789Z"),
          OffsetDateTime.parse("2026-11-20T10:15:30+05:30"),
          Duration.ofSeconds(90),
          Optional.of(Size.LARGE));

  private final JacksonCodec codec = JacksonCodec.create();

  private static byte[] utf8(String json) {
    return json.getBytes(StandardCharsets.UTF_8);
  }

  private String written(Object value) {
    return new String(codec.encode(value), StandardCharsets.UTF_8);
  }

  @Test
  void readsBackWhatItWrote() {
    assertThat(codec.decode(codec.encode(ORDER), Order.class)).isEqualTo(ORDER);
  }

  @Test
  void readsBackRecordsWithoutComponents() {
    assertThat(codec.decode(codec.encode(new Ping()), Ping.class)).isEqualTo(new Ping());
  }

  @Test
  void keepsTheScaleOfDecimals() {
    Line line = new Line("a", 1, new BigDecimal("1.500"));
    assertThat(codec.decode(codec.encode(line), Line.class)).isEqualTo(line);
  }

  @Test
  void writesDecimalsWithoutExponent() {
    assertThat(written(new Line("a", 1, new BigDecimal("1E+5")))).contains("\"price\":100000}");
    assertThat(written(new Line("a", 1, new BigDecimal("1E-9")))).contains(":0.000000001}");
  }

  @Test
  void writesTimesAsText() {
    assertThat(written(ORDER))
        .contains("\"placed\":\"2026-11-20T10:15:30.123456789Z\"")
        .contains("\"local\":\"2026-11-20T10:15:30+05:30\"")
        .contains("\"patience\":\"PT1M30S\"");
  }

  @Test
  void ignoresPropertiesItDoesNotKnow() {
    Line line =
        codec.decode(utf8("{\"sku\":\"a\",\"new\":{\"x\":[1,2]},\"quantity\":2}"), Line.class);
    assertThat(line.quantity()).isEqualTo(2);
  }

  @Test
  void selectsSubtypesByLogicalName() {
    Payment payment = codec.decode(utf8("{\"kind\":\"invoice\",\"days\":30}"), Payment.class);
    assertThat(payment).isEqualTo(new Invoice(30));
  }

  @Test
  void itsContentTypeIsJson() {
    assertThat(codec.contentType()).isEqualTo("application/json");
  }

  @Test
  void returnsANewArrayForEachCall() {
    assertThat(codec.encode("a")).isNotSameAs(codec.encode("a"));
  }

  @Test
  void leavesTheInputUnchanged() {
    byte[] bytes = codec.encode(ORDER);
    byte[] before = bytes.clone();
    codec.decode(bytes, Order.class);
    assertThat(bytes).isEqualTo(before);
  }

  @Test
  void refusesLimitsOutOfRange() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JacksonCodec.builder().maxDepth(0))
        .withMessage("maxDepth: 0 (expected: 1..1000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JacksonCodec.builder().maxStringChars(-1))
        .withMessage("maxStringChars: -1 (expected: 1..1000000000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JacksonCodec.builder().maxNumberChars(10_001))
        .withMessage("maxNumberChars: 10001 (expected: 1..10000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> JacksonCodec.builder().maxNameChars(0))
        .withMessage("maxNameChars: 0 (expected: 1..50000)");
  }

  @Test
  void readsAValueInsideALargerArray() {
    byte[] json = codec.encode(List.of(1, 2));
    byte[] larger = new byte[json.length + 10];
    System.arraycopy(json, 0, larger, 7, json.length);

    List<?> read = codec.decode(ByteBuffer.wrap(larger, 7, json.length), List.class);

    assertThat(read).isEqualTo(List.of(1, 2));
  }

  @Test
  void refusesNullByName() {
    assertThatNullPointerException().isThrownBy(() -> codec.encode(null)).withMessage("value");
    assertThatNullPointerException()
        .isThrownBy(() -> codec.decode((byte[]) null, Line.class))
        .withMessage("bytes");
    assertThatNullPointerException()
        .isThrownBy(() -> codec.decode(new byte[0], null))
        .withMessage("type");
  }
}
