package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ProblemTest {

  private static Optional<Problem> parse(String json) {
    return Problem.parse(json.getBytes(StandardCharsets.UTF_8), 500);
  }

  @Test
  void isReadAsItWasWritten() {
    Problem written =
        Problem.builder(409)
            .type("https://errors.example/stock")
            .title("No \"stock\" \\ left\n")
            .detail("caf\u00e9 \ud83d\ude00")
            .code("STOCK-7")
            .retryable(false)
            .retryAfter(Duration.ofMillis(1_500))
            .build();
    Problem read = Problem.parse(written.toJson(), 500).orElseThrow();
    assertThat(read.status()).isEqualTo(409);
    assertThat(read.type()).isEqualTo("https://errors.example/stock");
    assertThat(read.title()).isEqualTo("No \"stock\" \\ left\n");
    assertThat(read.detail()).isEqualTo("caf\u00e9 \ud83d\ude00");
    assertThat(read.code()).contains("STOCK-7");
    assertThat(read.isRetryable()).isFalse();
    assertThat(read.retryAfter()).contains(Duration.ofMillis(1_500));
  }

  @Test
  void hasTheGoldenForm() {
    assertThat(
            new String(
                Problem.builder(503)
                    .title("Busy")
                    .code("COMMS-HTTP-001")
                    .retryAfter(Duration.ofSeconds(2))
                    .build()
                    .toJson(),
                StandardCharsets.UTF_8))
        .isEqualTo(
            "{\"type\":\"about:blank\",\"title\":\"Busy\",\"status\":503,"
                + "\"code\":\"COMMS-HTTP-001\",\"retryAfterMs\":2000,\"retryable\":true}");
  }

  @Test
  void membersOfOthersAreLeftOut() {
    Problem read =
        parse(
                " { \"errors\" : [ {\"a\":[1,2.5,-3e2,true,null]} , \"x\" ], \"title\":\"T\","
                    + "\"status\": 422, \"balance\":30, \"nested\":{}, \"list\":[] } ")
            .orElseThrow();
    assertThat(read.status()).isEqualTo(422);
    assertThat(read.title()).isEqualTo("T");
  }

  @Test
  void membersOfAWrongTypeCountAsAbsent() {
    Problem read =
        parse(
                "{\"status\":\"422\",\"title\":7,\"retryable\":\"no\",\"retryAfterMs\":-5,"
                    + "\"code\":null,\"detail\":{\"a\":1}}")
            .orElseThrow();
    assertThat(read.status()).isEqualTo(500);
    assertThat(read.title()).isEmpty();
    assertThat(read.isRetryable()).isTrue();
    assertThat(read.retryAfter()).isEmpty();
    assertThat(read.code()).isEmpty();
    assertThat(read.detail()).isEmpty();
  }

  @Test
  void anEnormousAdviceIsBounded() {
    assertThat(parse("{\"retryAfterMs\":1e300,\"status\":1e300}").orElseThrow().retryAfter())
        .contains(Duration.ofDays(365));
    String digits = "9".repeat(10_000);
    assertThat(parse("{\"retryAfterMs\":" + digits + "}").orElseThrow().retryAfter()).isEmpty();
  }

  @Test
  void whatIsNoObjectIsNone() {
    for (String malformed :
        new String[] {
          "",
          " ",
          "[]",
          "null",
          "{",
          "{\"a\"",
          "{\"a\":",
          "{\"a\":1",
          "{\"a\":1,}",
          "{\"a\":1}x",
          "{\"a\":tru}",
          "{\"a\":\"\\x\"}",
          "{\"a\":\"\\u00g0\"}",
          "{\"a\":\"\n\"}",
          "{\"a\":-}",
          "{a:1}",
          "{\"a\":[1,2}",
          "{\"a\":" + "[".repeat(100) + "]".repeat(100) + "}",
          "{\"a\":\"" + "x".repeat(Problem.MAX_BYTES) + "\"}"
        }) {
      assertThat(parse(malformed)).as(malformed).isEmpty();
    }
    assertThat(Problem.parse(new byte[] {'{', '"', (byte) 0xff, '"', ':', '1', '}'}, 500))
        .isEmpty();
  }

  @Test
  void randomBytesNeverFail() {
    Random random = new Random(7);
    String letters = "{}[]\",:\\u0aftrue nl-1.e\u00e9";
    for (int i = 0; i < 20_000; i++) {
      StringBuilder json = new StringBuilder("{");
      int length = random.nextInt(30);
      for (int c = 0; c < length; c++) {
        json.append(letters.charAt(random.nextInt(letters.length())));
      }
      assertThat(parse(json.toString())).isNotNull();
    }
  }

  @Test
  void longTextsAreCutAndNotShown() {
    Problem problem = Problem.builder(500).title("t".repeat(300)).detail("d".repeat(2_000)).build();
    assertThat(problem.title()).hasSize(200);
    assertThat(problem.detail()).hasSize(1_000);
    assertThat(problem).hasToString("Problem{500}");
  }

  @Test
  void refusesAStatusThatIsNone() {
    assertThatThrownBy(() -> Problem.builder(99)).hasMessage("status: 99 (expected: 100..599)");
    assertThatThrownBy(() -> Problem.builder(500).retryAfter(Duration.ofMillis(-1)))
        .hasMessage("retryAfter: PT-0.001S (expected: zero or more)");
  }
}
