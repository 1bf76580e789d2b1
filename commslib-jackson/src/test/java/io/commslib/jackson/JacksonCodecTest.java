package io.commslib.jackson;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.codec.CodecException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class JacksonCodecTest {

  record Line(String article, int pieces, BigDecimal price) {}

  record Order(String id, List<Line> lines) {}

  private static final Order ORDER =
      new Order(
          "o-1",
          List.of(
              new Line("85123A \u00fc \"x\"", 6, new BigDecimal("2.5500")),
              new Line("b", -1, new BigDecimal("1E+3"))));

  private final JacksonCodec codec = JacksonCodec.create();

  @Test
  void readsWhatItWroteWithExactDecimals() {
    byte[] bytes = codec.encode(ORDER);
    Order read = codec.decode(bytes, Order.class);
    assertThat(read.lines().get(0)).isEqualTo(ORDER.lines().get(0));
    assertThat(read.lines().get(1).price()).isEqualByComparingTo("1000");
    assertThat(new String(bytes, StandardCharsets.UTF_8)).contains("2.5500").doesNotContain("E+3");
  }

  @Test
  void refusesABodyCutAtAnyByte() {
    byte[] whole = codec.encode(ORDER);
    for (int length = 0; length < whole.length; length++) {
      byte[] cut = Arrays.copyOf(whole, length);
      assertThatThrownBy(() -> codec.decode(cut, Order.class)).isInstanceOf(CodecException.class);
    }
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "null",
        " ",
        "{} {}",
        "{}x",
        "[]",
        "\"text\"",
        "{\"id\":",
        "{\"id\":\"\\ud800\"",
        "{\"lines\":[{\"pieces\":null}]}",
        "{\"lines\":[{\"pieces\":1e1000000000}]}",
        "{\"lines\":[{\"pieces\":\"many\"}]}"
      })
  void refusesWhatIsNotExactlyOneOrder(String json) {
    assertThatThrownBy(() -> codec.decode(json.getBytes(StandardCharsets.UTF_8), Order.class))
        .isInstanceOf(CodecException.class)
        .hasMessageStartingWith("COMMS-JACKSON-003");
  }

  @Test
  void refusesHostileDepthAndNumbersQuickly() {
    String deep = "[".repeat(100_000);
    String digits = "{\"lines\":[{\"price\":" + "9".repeat(1_000_001) + "}]}";
    for (String json : List.of(deep, digits)) {
      assertThatThrownBy(() -> codec.decode(json.getBytes(StandardCharsets.UTF_8), Order.class))
          .isInstanceOf(CodecException.class);
    }
  }

  @Test
  void failuresShowNoContent() {
    byte[] secret = "{\"id\": hunter2}".getBytes(StandardCharsets.UTF_8);
    assertThatThrownBy(() -> codec.decode(secret, Order.class))
        .satisfies(
            failure -> {
              assertThat(failure.toString()).doesNotContain("hunter2");
              assertThat(String.valueOf(failure.getCause())).doesNotContain("hunter2");
            });
  }

  @Test
  void ignoresFieldsItDoesNotKnow() {
    byte[] newer =
        "{\"id\":\"o\",\"lines\":[],\"added\":{\"later\":1}}".getBytes(StandardCharsets.UTF_8);
    assertThat(codec.decode(newer, Order.class)).isEqualTo(new Order("o", List.of()));
  }
}
