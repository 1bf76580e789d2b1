package io.commslib.core.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.commslib.core.idempotency.RequestOutcome.Kind;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestOutcomeTest {

  private static final StoredResult RESULT =
      new StoredResult(201, "text/plain", new byte[] {1}, Map.of("Location", "/charges/1"));

  private static final Map<Kind, RequestOutcome> OUTCOMES = outcomes();

  private static Map<Kind, RequestOutcome> outcomes() {
    Map<Kind, RequestOutcome> outcomes = new EnumMap<>(Kind.class);
    outcomes.put(Kind.DONE, RequestOutcome.stored(RESULT));
    outcomes.put(Kind.NOT_KEPT, RequestOutcome.stored(RESULT.shortened("too large")));
    outcomes.put(Kind.IN_PROGRESS, RequestOutcome.inProgress(Duration.ofSeconds(3)));
    outcomes.put(Kind.MISMATCHED, RequestOutcome.mismatched());
    outcomes.put(Kind.MISSING_KEY, RequestOutcome.missingKey());
    outcomes.put(Kind.MALFORMED_KEY, RequestOutcome.malformedKey("A rule."));
    return outcomes;
  }

  @ParameterizedTest
  @EnumSource
  void theKindDeterminesTheAccessors(Kind kind) {
    RequestOutcome outcome = OUTCOMES.get(kind);
    assertThat(outcome.kind()).isEqualTo(kind);
    assertThat(outcome).hasToString("RequestOutcome{" + kind + "}");
    check(outcome, outcome::result, "DONE or NOT_KEPT", Kind.DONE, Kind.NOT_KEPT);
    check(outcome, outcome::isRepetition, "DONE or NOT_KEPT", Kind.DONE, Kind.NOT_KEPT);
    check(outcome, outcome::retryAfter, "IN_PROGRESS", Kind.IN_PROGRESS);
    check(outcome, outcome::reason, "MALFORMED_KEY", Kind.MALFORMED_KEY);
  }

  private static void check(
      RequestOutcome outcome, Runnable accessor, String expected, Kind... kinds) {
    if (Arrays.asList(kinds).contains(outcome.kind())) {
      accessor.run();
    } else {
      assertThatIllegalStateException()
          .isThrownBy(accessor::run)
          .withMessage("outcome: " + outcome.kind() + " (expected: " + expected + ")");
    }
  }

  @Test
  void aResultIsARepetitionIfItWasStoredBefore() {
    assertThat(RequestOutcome.made(RESULT).isRepetition()).isFalse();
    assertThat(RequestOutcome.made(RESULT).kind()).isEqualTo(Kind.DONE);
    assertThat(OUTCOMES.get(Kind.DONE).isRepetition()).isTrue();
    assertThat(OUTCOMES.get(Kind.NOT_KEPT).isRepetition()).isTrue();
    assertThat(OUTCOMES.get(Kind.NOT_KEPT).result().headers())
        .containsExactly(Map.entry("Location", "/charges/1"));
  }

  /** The work may pass on what a service behind it has answered. */
  @Test
  void aResultThatTheWorkHasMadeIsDoneInWhateverForm() {
    assertThat(RequestOutcome.made(RESULT.shortened("elsewhere")).kind()).isEqualTo(Kind.DONE);
  }

  @ParameterizedTest
  @ValueSource(ints = {-1, 0, 201, 500, Integer.MAX_VALUE})
  void aShortFormIsKnownByItsContentAlone(int status) {
    StoredResult made =
        new StoredResult(status, "text/plain", new byte[0], Map.of()).shortened("a \"reason\"");
    StoredResult read = new StoredResult(status, made.contentType(), made.body(), Map.of());
    assertThat(read.isShortened()).isTrue();
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "",
        "{\"type\":\"about:blank\",\"title\":\"The answer was not kept\",\"status\":201}",
        "{\"title\":\"Other\",\"detail\":\".\",\"code\":\"COMMS-IDEMPOTENCY-004\"}",
        ".\",\"code\":\"COMMS-IDEMPOTENCY-004\"}"
      })
  void anotherProblemIsNoShortForm(String body) {
    assertThat(result("application/problem+json", body).isShortened()).isFalse();
  }

  @Test
  void aShortFormHasItsMediaType() {
    String body = new String(RESULT.shortened("r").body(), StandardCharsets.UTF_8);
    assertThat(result("application/problem+json", body).isShortened()).isTrue();
    assertThat(result("application/json", body).isShortened()).isFalse();
    assertThat(RESULT.isShortened()).isFalse();
  }

  private static StoredResult result(String contentType, String body) {
    return new StoredResult(201, contentType, body.getBytes(StandardCharsets.UTF_8), Map.of());
  }
}
