package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.time.VirtualTime;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class RequestGuardTest {

  private static final String SCOPE = "customer-7/charge";
  private static final String KEY = "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"";
  private static final String CONTENT = RequestGuard.fingerprint(bytes("amount=5"));

  private final VirtualTime time = VirtualTime.create();
  private final IdempotencyStore store =
      InMemoryIdempotencyStore.create(time.time(), Duration.ofHours(24), 100);
  private final RequestGuard guard =
      RequestGuard.builder(store).lease(Duration.ofSeconds(10)).build();
  private final InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
  private final AtomicInteger runs = new AtomicInteger();

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private StoredResult charged() {
    return charged(201);
  }

  private StoredResult charged(int status) {
    return new StoredResult(
        status,
        "application/json",
        bytes("{\"charge\":" + runs.incrementAndGet() + "}"),
        Map.of("Location", "/charges/1"));
  }

  private StoredResult ask(String key) {
    return guard.withLease(SCOPE, key, CONTENT, attempt -> charged());
  }

  private static String body(StoredResult result) {
    return new String(result.body(), StandardCharsets.UTF_8);
  }

  private static void assertProblem(StoredResult answer, int status, String title) {
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

  @Test
  void runsOnceAndReturnsTheStoredStatusBodyAndHeaders() {
    StoredResult first = ask(KEY);
    StoredResult again = ask(KEY);
    assertThat(runs).hasValue(1);
    assertThat(again.status()).isEqualTo(201);
    assertThat(body(again)).isEqualTo(body(first)).isEqualTo("{\"charge\":1}");
    assertThat(again.headers()).containsEntry("Location", "/charges/1");
  }

  @Test
  void aQuotedKeyAndABareOneAreTheSame() {
    ask("abc");
    ask("\"abc\"");
    assertThat(runs).hasValue(1);
  }

  @Test
  void answersAMissingKeyWith400() {
    assertProblem(
        guard.withLease(SCOPE, null, CONTENT, attempt -> charged()),
        400,
        "Idempotency-Key is missing");
    assertThat(runs).hasValue(0);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "``|The key has 0 characters (expected: 1..255).",
        "\"\"|The key has 0 characters (expected: 1..255).",
        "\"open|The closing quote is missing.",
        "\"a\"b|Something follows the closing quote.",
        "\"a\\b\"|A backslash stands before something else than \\ or a quote.",
        "caf\u00e9|The key is not printable ASCII."
      })
  void answersAMalformedKeyWith400AndTheRule(String key, String rule) {
    StoredResult answer = ask(key);
    assertProblem(answer, 400, "Idempotency-Key is malformed");
    // In JSON a backslash is only followed by another one, or by a quote.
    assertThat(body(answer)).doesNotContainPattern("(?<!\\\\)(\\\\\\\\)*\\\\[^\\\\\"]");
    assertThat(body(answer).replace("\\\\", "\\")).contains(rule);
    assertThat(runs).hasValue(0);
  }

  @Test
  void answersATooLongKeyWith400AndAcceptsTheLongest() {
    assertProblem(ask("k".repeat(256)), 400, "Idempotency-Key is malformed");
    assertThat(ask("k".repeat(255)).status()).isEqualTo(201);
  }

  @Test
  void answersAnotherContentWith422AlsoWhileItRuns() {
    String other = RequestGuard.fingerprint(bytes("amount=6"));
    guard.withLease(
        SCOPE,
        KEY,
        CONTENT,
        attempt -> {
          assertProblem(
              guard.withLease(SCOPE, KEY, other, second -> charged()),
              422,
              "Idempotency-Key is already used");
          return charged();
        });
    assertProblem(
        guard.withLease(SCOPE, KEY, other, attempt -> charged()),
        422,
        "Idempotency-Key is already used");
    assertThat(runs).hasValue(1);
  }

  @Test
  void answersARequestWhileAnotherRunsWith409AndRetryAfter() {
    guard.withLease(
        SCOPE,
        KEY,
        CONTENT,
        attempt -> {
          StoredResult answer = ask(KEY);
          assertProblem(answer, 409, "A request is outstanding for this Idempotency-Key");
          assertThat(answer.headers()).containsEntry("Retry-After", "10");
          return charged();
        });
    assertThat(runs).hasValue(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {500, 503})
  void storesNoServerErrorAndRunsAgain(int status) {
    assertThat(guard.withLease(SCOPE, KEY, CONTENT, attempt -> charged(status)).status())
        .isEqualTo(status);
    assertThat(ask(KEY).status()).isEqualTo(201);
    assertThat(runs).hasValue(2);
  }

  @Test
  void storesAnErrorThatIsFinal() {
    guard.withLease(SCOPE, KEY, CONTENT, attempt -> charged(402));
    assertThat(ask(KEY).status()).isEqualTo(402);
    assertThat(runs).hasValue(1);
  }

  @Test
  void theUserDecidesWhichResultsAreStored() {
    RequestGuard all = RequestGuard.builder(store).storeIf(result -> true).build();
    all.withLease(SCOPE, KEY, CONTENT, attempt -> charged(500));
    assertThat(all.withLease(SCOPE, KEY, CONTENT, attempt -> charged()).status()).isEqualTo(500);
  }

  @Test
  void releasesTheKeyWhenTheWorkThrowsAndKeepsItsSteps() {
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                guard.withLease(
                    SCOPE,
                    KEY,
                    CONTENT,
                    attempt -> {
                      attempt.remember("reserved", "r-17");
                      throw new IllegalStateException("the far side is down");
                    }));
    guard.withLease(
        SCOPE,
        KEY,
        CONTENT,
        attempt -> {
          assertThat(attempt.steps()).containsExactly(Map.entry("reserved", "r-17"));
          assertThat(attempt.isTakeover()).isFalse();
          return charged();
        });
    assertThat(runs).hasValue(1);
  }

  @Test
  void marksATakeoverAndAnswersTheLateAttemptWithTheStoredResult() {
    StoredResult late =
        guard.withLease(
            SCOPE,
            KEY,
            CONTENT,
            attempt -> {
              time.advance(Duration.ofSeconds(11));
              StoredResult second =
                  guard.withLease(
                      SCOPE,
                      KEY,
                      CONTENT,
                      taker -> {
                        assertThat(taker.isTakeover()).isTrue();
                        assertThat(taker.token()).isGreaterThan(attempt.token());
                        return charged();
                      });
              assertThat(body(second)).isEqualTo("{\"charge\":1}");
              assertThat(attempt.remember("late", "")).as("fenced").isFalse();
              return charged();
            });
    assertThat(body(late)).as("the stored result, not its own").isEqualTo(body(ask(KEY)));
  }

  @Test
  void inATransactionEffectsAndResultCommitTogetherAndAServerErrorRollsBack() {
    AtomicInteger commits = new AtomicInteger();
    StoredResult failed =
        guard.inTransaction(
            transactions,
            SCOPE,
            KEY,
            CONTENT,
            tx -> {
              tx.afterCommit(commits::incrementAndGet);
              return charged(503);
            });
    assertThat(failed.status()).isEqualTo(503);
    assertThat(commits).as("rolled back").hasValue(0);
    for (int i = 0; i < 2; i++) {
      assertThat(guard.inTransaction(transactions, SCOPE, KEY, CONTENT, tx -> charged()).status())
          .isEqualTo(201);
    }
    assertThat(runs).hasValue(2);
    assertProblem(
        guard.inTransaction(transactions, SCOPE, KEY, RequestGuard.fingerprint(), tx -> charged()),
        422,
        "Idempotency-Key is already used");
  }

  @Test
  void returnsNoFinalResultForEffectsThatWereRolledBack() {
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                guard.inTransaction(
                    transactions,
                    SCOPE,
                    KEY,
                    CONTENT,
                    tx -> {
                      tx.setRollbackOnly();
                      return charged();
                    }))
        .withMessageStartingWith("result of the work: 201 (expected: one that is not final");
    assertThat(ask(KEY).status()).isEqualTo(201);
    assertThat(runs).hasValue(2);
  }

  @Test
  void fingerprintsDistinguishTheirParts() {
    assertThat(RequestGuard.fingerprint(bytes("ab"), bytes("c")))
        .hasSize(64)
        .isNotEqualTo(RequestGuard.fingerprint(bytes("a"), bytes("bc")))
        .isEqualTo(RequestGuard.fingerprint(bytes("ab"), bytes("c")));
  }

  @Test
  void refusesWrongLeases() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> RequestGuard.builder(store).lease(Duration.ofMillis(999)))
        .withMessage("lease: PT0.999S (expected: PT1S..PT24H)");
  }
}
