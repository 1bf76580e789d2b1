package io.commslib.jackson;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.commslib.core.CodecException;
import io.commslib.core.FailureKind;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostileJsonTest {

  record Account(
      String name,
      int level,
      long balance,
      double rate,
      BigDecimal exact,
      BigInteger big,
      List<String> tags,
      Map<String, Integer> limits) {}

  record ByClass(Handle handle) {}

  @JsonTypeInfo(use = JsonTypeInfo.Id.CLASS)
  interface Handle {}

  record Gadget(String command) implements Handle {
    static int made;

    Gadget {
      made++;
    }
  }

  record Failing(String secret) {
    @Override
    public String secret() {
      throw new IllegalStateException("do not tell");
    }
  }

  private final JacksonCodec codec = JacksonCodec.create();

  private CodecException refused(String json, Class<?> type) {
    return refused(json.getBytes(StandardCharsets.UTF_8), type);
  }

  private CodecException refused(byte[] bytes, Class<?> type) {
    try {
      codec.decode(bytes, type);
    } catch (CodecException e) {
      assertThat(e.kind()).isEqualTo(FailureKind.PERMANENT);
      return e;
    }
    throw new AssertionError("was read");
  }

  @Test
  void refusesABodyCutAtAnyByte() {
    byte[] whole =
        codec.encode(
            new Account(
                "\u00fc\ud83d\ude00",
                1,
                2,
                0.5,
                BigDecimal.TEN,
                BigInteger.TWO,
                List.of("a", "b"),
                Map.of("x", 1)));
    assertThat(whole).hasSizeGreaterThan(100);
    for (int length = 0; length < whole.length; length++) {
      assertThat(refused(Arrays.copyOf(whole, length), Account.class).code())
          .as("cut at %d", length)
          .isEqualTo("COMMS-JACKSON-003");
    }
  }

  @Test
  void neverFailsOtherwiseWhenAByteIsChanged() {
    byte[] whole =
        codec.encode(
            new Account(
                "n", 1, 2, 0.5, BigDecimal.TEN, BigInteger.TWO, List.of("a"), Map.of("x", 1)));
    int refusals = 0;
    for (int at = 0; at < whole.length; at++) {
      for (int value = 0; value < 256; value++) {
        byte[] changed = whole.clone();
        changed[at] = (byte) value;
        try {
          codec.decode(changed, Account.class);
        } catch (CodecException e) {
          refusals++;
        }
      }
    }
    assertThat(refusals).isGreaterThan(whole.length * 100);
  }

  @ParameterizedTest
  @ValueSource(strings = {"[", "{\"a\":"})
  void refusesDepthBeyondTheLimitWhereverItIs(String open) {
    for (int depth : new int[] {201, 100_000}) {
      String deep = open.repeat(depth);
      assertThat(refused(deep, Object.class).code()).isEqualTo("COMMS-JACKSON-002");
      assertThat(refused("{\"unknown\":" + deep, Account.class).code())
          .isEqualTo("COMMS-JACKSON-002");
    }
  }

  @Test
  void readsAsDeepAsTheLimit() {
    assertThat(codec.decode(("[".repeat(200) + "]".repeat(200)).getBytes(), Object.class))
        .isNotNull();
  }

  @Test
  void refusesTextNamesAndNumbersBeyondTheirLimits() {
    JacksonCodec small =
        JacksonCodec.builder().maxStringChars(20).maxNameChars(10).maxNumberChars(5).build();
    Map.of(
            "\"" + "x".repeat(21) + "\"",
            "maxStringChars",
            "{\"" + "n".repeat(11) + "\":1}",
            "maxNameChars",
            "123456",
            "maxNumberChars",
            "[1.23456]",
            "maxNumberChars",
            "[".repeat(201),
            "maxDepth")
        .forEach(
            (json, setting) ->
                assertThatExceptionOfType(CodecException.class)
                    .as(json)
                    .isThrownBy(
                        () -> small.decode(json.getBytes(StandardCharsets.UTF_8), Object.class))
                    .withMessageMatching(
                        "COMMS-JACKSON-002: can't read java.lang.Object from \\d+ bytes.*, over a"
                            + " limit: \\d+ \\(expected: at most \\d+, "
                            + setting
                            + " of JacksonCodec\\)"));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{\"level\":2147483648}",
        "{\"level\":1e1000000000}",
        "{\"balance\":9223372036854775808}",
        "{\"balance\":1e400}",
        "{\"big\":1e1000000000}",
        "{\"big\":1e999999}",
      })
  void refusesNumbersThatDoNotFit(String json) {
    refused(json, Account.class);
  }

  @Test
  void refusesNumbersOfManyDigits() {
    String digits = "9".repeat(1_000_000);
    for (String field : List.of("big", "exact", "level", "rate", "unknown")) {
      assertThat(refused("{\"" + field + "\":" + digits + "}", Account.class).code())
          .as(field)
          .isEqualTo("COMMS-JACKSON-002");
    }
  }

  @Test
  void refusesToWriteOutAHugeExponent() {
    Account account =
        codec.decode("{\"exact\":1e1000000000}".getBytes(StandardCharsets.UTF_8), Account.class);
    assertThatExceptionOfType(CodecException.class).isThrownBy(() -> codec.encode(account));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{} {}",
        "{}]",
        "{}x",
        "{}\0",
        "{},",
        "{\"name\":\"a\"}{\"name\":\"b\"}",
        "{}null",
        "{}//c"
      })
  void refusesAnythingAfterTheValue(String json) {
    assertThat(refused(json, Account.class).code()).isEqualTo("COMMS-JACKSON-003");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "  ",
        "[]",
        "1",
        "\"text\"",
        "{name:1}",
        "{'name':'x'}",
        "{\"level\":\"1\"}",
        "{\"level\":1.5}",
        "{\"level\":null}",
        "{\"level\":true}",
        "{\"rate\":NaN}",
        "{\"tags\":\"a\"}",
        "{\"name\":{}}",
        "{\"limits\":{\"a\":\"b\"}}",
      })
  void refusesValuesOfAnotherClass(String json) {
    assertThat(refused(json, Account.class).code()).isEqualTo("COMMS-JACKSON-003");
  }

  @Test
  void refusesBytesThatAreNotText() {
    refused(new byte[] {'{', '"', (byte) 0xc3, (byte) 0x28, '"', ':', '1', '}'}, Account.class);
    refused(
        new byte[] {'{', '"', 'n', 'a', 'm', 'e', '"', ':', '"', (byte) 0xff, '"', '}'},
        Account.class);
  }

  @Test
  void refusesNull() {
    assertThat(refused("null", Account.class).code()).isEqualTo("COMMS-JACKSON-003");
  }

  @Test
  void theTextNamesTheClassThePlaceAndTheExceededLimit() {
    assertThat(refused("null", String.class))
        .hasMessage("COMMS-JACKSON-003: can't read java.lang.String from 4 bytes: null");
    assertThat(refused("true false", Boolean.class))
        .hasMessage(
            "COMMS-JACKSON-003: can't read java.lang.Boolean from 10 bytes at byte 5"
                + " (MismatchedInputException)");
    assertThat(refused("[".repeat(201), Object.class))
        .hasMessage(
            "COMMS-JACKSON-002: can't read java.lang.Object from 201 bytes"
                + " (StreamConstraintsException), over a limit: 201 (expected: at most 200,"
                + " maxDepth of JacksonCodec)");
  }

  @Test
  void neverLoadsAClassNamedByTheBytes() {
    String json = "{\"handle\":{\"@class\":\"" + Gadget.class.getName() + "\",\"command\":\"rm\"}}";
    refused(json, ByClass.class);
    Object untyped =
        codec.decode(
            ("[\"" + Gadget.class.getName() + "\",{\"command\":\"rm\"}]").getBytes(), Object.class);
    assertThat(untyped).isInstanceOf(List.class);
    assertThat(Gadget.made).isZero();
  }

  @Test
  void namesThePlaceAndNeverTheContent() {
    CodecException wrong = refused("{\"tags\":[\"ok\",{\"secret\":7}]}", Account.class);
    assertThat(wrong)
        .hasMessageContaining("$.tags[1]")
        .hasMessageContaining("Account")
        .hasNoCause();
    CodecException inMap = refused("{\"limits\":{\"secret\":\"secret\"}}", Account.class);
    assertThat(inMap).hasMessageContaining("$.limits.*").hasMessageNotContaining("secret");
    assertThat(refused("{\"level\":\"secret\"}", Account.class))
        .hasMessageContaining("$.level")
        .hasMessageNotContaining("secret");
    assertThat(refused("{\"level\":secret}", Account.class)).hasMessageNotContaining("secret");
  }

  @Test
  void refusesToWriteValuesItCouldNotReadBack() {
    List<Object> cycle = new ArrayList<>();
    cycle.add(cycle);
    List<Object> deep = List.of();
    for (int i = 0; i < 200; i++) {
      deep = List.of(deep);
    }
    for (Object value : List.of(cycle, deep, new Failing("x"))) {
      assertThatExceptionOfType(CodecException.class)
          .isThrownBy(() -> codec.encode(value))
          .withMessageStartingWith("COMMS-JACKSON-001: can't write " + value.getClass().getName())
          .withMessageNotContaining("do not tell");
    }
  }
}
