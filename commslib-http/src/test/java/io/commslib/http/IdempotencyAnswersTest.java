package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.RequestOutcome;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.tx.TransactionContext;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

class IdempotencyAnswersTest {

  private static final StoredResult CHARGED =
      new StoredResult(
          201,
          "application/json",
          "{\"charge\":1}".getBytes(StandardCharsets.UTF_8),
          Map.of("Location", "/charges/1"));

  /** A store that gives one answer to each claim. */
  private record FixedStore(Claim claim) implements IdempotencyStore {

    @Override
    public Claim claim(RequestKey request, Duration lease) {
      return claim;
    }

    @Override
    public Claim claim(TransactionContext tx, RequestKey request) {
      return claim;
    }

    @Override
    public boolean complete(
        TransactionContext tx, RequestKey request, long token, StoredResult result) {
      return true;
    }

    @Override
    public boolean remember(RequestKey request, long token, String step, String value) {
      return true;
    }

    @Override
    public boolean complete(RequestKey request, long token, StoredResult result) {
      return true;
    }

    @Override
    public boolean release(RequestKey request, long token) {
      return true;
    }

    @Override
    public long purge() {
      return 0;
    }
  }

  private static RequestOutcome outcome(Claim claim, @Nullable String key) {
    return IdempotentRequests.builder(new FixedStore(claim))
        .build()
        .withLease("customer-7/charge", key, "content", attempt -> CHARGED);
  }

  private static RequestOutcome outcome(RequestOutcome.Kind kind) {
    return switch (kind) {
      case DONE -> outcome(Claim.completed(CHARGED), "key-1");
      case NOT_KEPT -> outcome(Claim.completed(CHARGED.shortened("too large")), "key-1");
      case IN_PROGRESS -> outcome(Claim.inFlight(Duration.ofMillis(9_001)), "key-1");
      case MISMATCHED -> outcome(Claim.mismatched(), "key-1");
      case MISSING_KEY -> outcome(Claim.granted(1, false), null);
      case MALFORMED_KEY -> outcome(Claim.granted(1, false), "\"a\\b\"");
    };
  }

  private static String body(StoredResult answer) {
    return new String(answer.body(), StandardCharsets.UTF_8);
  }

  private static void assertProblem(RequestOutcome.Kind kind, int status, String title) {
    StoredResult answer = IdempotencyAnswers.of(outcome(kind));
    assertThat(answer.status()).isEqualTo(status);
    assertThat(answer.contentType()).isEqualTo("application/problem+json");
    assertThat(body(answer))
        .startsWith(
            "{\"type\":\"about:blank\",\"title\":\""
                + title
                + "\",\"status\":"
                + status
                + ",\"detail\":\"");
  }

  /** Returns code and detail, as an error of the library has them in its text. */
  private static String text(RequestOutcome outcome) {
    Problem problem = IdempotencyAnswers.problem(outcome).orElseThrow();
    return problem.code().orElseThrow() + ": " + problem.detail();
  }

  @Test
  void answersAMissingKeyWith400() {
    RequestOutcome.Kind kind = RequestOutcome.Kind.MISSING_KEY;
    assertProblem(kind, 400, "Idempotency-Key is missing");
    assertThat(text(outcome(kind)))
        .isEqualTo(
            "COMMS-HTTP-131: This operation is idempotent and requires the header"
                + " Idempotency-Key.");
  }

  @Test
  void answersAMalformedKeyWith400AndTheRule() {
    assertProblem(RequestOutcome.Kind.MALFORMED_KEY, 400, "Idempotency-Key is malformed");
    StoredResult answer = IdempotencyAnswers.of(outcome(RequestOutcome.Kind.MALFORMED_KEY));
    // In JSON a backslash is only followed by another one, or by a quote.
    assertThat(body(answer)).doesNotContainPattern("(?<!\\\\)(\\\\\\\\)*\\\\[^\\\\\"]");
    assertThat(body(answer).replace("\\\\", "\\"))
        .contains("A backslash stands before something else than \\ or a quote.");
    assertThat(text(outcome(Claim.granted(1, false), "k".repeat(256))))
        .isEqualTo("COMMS-HTTP-132: The key has 256 characters (expected: 1..255).");
  }

  @ParameterizedTest
  @ValueSource(strings = {"\"secret", "secr\u00e9t", "secret\r\nSet-Cookie: a", "\"secret\" x"})
  void noAnswerRepeatsTheKey(String key) {
    StoredResult answer = IdempotencyAnswers.of(outcome(Claim.granted(1, false), key));
    assertThat(answer.status()).isEqualTo(400);
    assertThat(body(answer)).doesNotContain("secr", "Set-Cookie");
    assertThat(answer.headers()).isEmpty();
  }

  @Test
  void answersAnotherContentWith422() {
    assertProblem(RequestOutcome.Kind.MISMATCHED, 422, "Idempotency-Key is already used");
    assertThat(text(outcome(RequestOutcome.Kind.MISMATCHED)))
        .isEqualTo(
            "COMMS-HTTP-133: This key was used for another request. Do not reuse a key for a"
                + " different content.");
  }

  @Test
  void answersAKeyInProgressWith409AndRetryAfter() {
    RequestOutcome.Kind kind = RequestOutcome.Kind.IN_PROGRESS;
    assertProblem(kind, 409, "A request is outstanding for this Idempotency-Key");
    assertThat(IdempotencyAnswers.of(outcome(kind)).headers())
        .containsExactly(Map.entry("Retry-After", "10"));
    assertThat(text(outcome(kind)))
        .isEqualTo(
            "COMMS-HTTP-134: A request with this key is being worked on. Ask again later with the"
                + " same key.");
  }

  @ParameterizedTest
  @CsvSource({
    "PT-1S, 1, PT0S",
    "PT0S, 1, PT0S",
    "PT0.001S, 1, PT0.001S",
    "PT1S, 1, PT1S",
    "PT1.001S, 2, PT1.001S",
    "PT24H, 86400, PT24H",
    "PT2562047788015215H, 86400, PT24H"
  })
  void theWaitIsInWholeSecondsAndBounded(Duration retryAfter, String header, Duration member) {
    RequestOutcome outcome = outcome(Claim.inFlight(retryAfter), "key-1");
    assertThat(IdempotencyAnswers.of(outcome).headers())
        .containsExactly(Map.entry("Retry-After", header));
    assertThat(IdempotencyAnswers.problem(outcome).orElseThrow().retryAfter()).contains(member);
  }

  @Test
  void onlyAKeyInProgressMayBeRepeated() {
    for (RequestOutcome.Kind kind : RequestOutcome.Kind.values()) {
      IdempotencyAnswers.problem(outcome(kind))
          .ifPresent(
              problem ->
                  assertThat(problem.isRetryable())
                      .as(kind.name())
                      .isEqualTo(kind == RequestOutcome.Kind.IN_PROGRESS));
    }
  }

  @Test
  void answersARequestThatIsDoneWithItsResultAsItIs() {
    RequestOutcome made = outcome(Claim.granted(1, false), "key-1");
    assertThat(made.isRepetition()).isFalse();
    assertThat(IdempotencyAnswers.of(made)).isSameAs(CHARGED);
    RequestOutcome stored = outcome(RequestOutcome.Kind.DONE);
    assertThat(stored.isRepetition()).isTrue();
    assertThat(IdempotencyAnswers.of(stored)).isSameAs(CHARGED);
  }

  @Test
  void answersAResultThatWasNotKeptWithItsStatusAndLocation() {
    StoredResult answer = IdempotencyAnswers.of(outcome(RequestOutcome.Kind.NOT_KEPT));
    assertThat(answer.status()).isEqualTo(201);
    assertThat(answer.contentType()).isEqualTo(Problem.MEDIA_TYPE);
    assertThat(answer.headers()).containsExactly(Map.entry("Location", "/charges/1"));
    assertThat(Problem.parse(answer.body(), 500).orElseThrow().code())
        .contains("COMMS-IDEMPOTENCY-004");
  }

  @ParameterizedTest
  @EnumSource
  void aClientReadsTheDetailsOfEachRefusal(RequestOutcome.Kind kind) {
    RequestOutcome outcome = outcome(kind);
    assertThat(outcome.kind()).isEqualTo(kind);
    IdempotencyAnswers.problem(outcome)
        .ifPresent(
            problem -> {
              StoredResult answer = IdempotencyAnswers.of(outcome);
              Problem read = Problem.parse(answer.body(), 500).orElseThrow();
              assertThat(read.status()).isEqualTo(answer.status());
              assertThat(read.code()).isEqualTo(problem.code());
              assertThat(read.detail()).isEqualTo(problem.detail());
            });
  }
}
