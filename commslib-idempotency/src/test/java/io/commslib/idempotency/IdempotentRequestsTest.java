package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.RequestOutcome;
import io.commslib.core.idempotency.RequestOutcome.Kind;
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

class IdempotentRequestsTest {

  private static final String SCOPE = "customer-7/charge";
  private static final String KEY = "\"8e03978e-40d5-43e8-bc93-6894a57f9324\"";
  private static final String CONTENT = IdempotentRequests.fingerprint(bytes("amount=5"));

  private final VirtualTime time = VirtualTime.create();
  private final IdempotencyStore store =
      InMemoryIdempotencyStore.create(time.time(), Duration.ofHours(24), 100);
  private final IdempotentRequests requests =
      IdempotentRequests.builder(store).lease(Duration.ofSeconds(10)).build();
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

  private RequestOutcome ask(String key) {
    return requests.withLease(SCOPE, key, CONTENT, attempt -> charged());
  }

  private static String body(StoredResult result) {
    return new String(result.body(), StandardCharsets.UTF_8);
  }

  private static void assertRefused(RequestOutcome outcome, Kind kind) {
    assertThat(outcome.kind()).isEqualTo(kind);
    assertThatIllegalStateException().isThrownBy(outcome::result);
  }

  @Test
  void runsOnceAndReturnsTheStoredStatusBodyAndHeaders() {
    RequestOutcome outcome = ask(KEY);
    assertThat(outcome.kind()).isEqualTo(Kind.DONE);
    assertThat(outcome.isRepetition()).isFalse();
    StoredResult first = outcome.result();
    RequestOutcome repeated = ask(KEY);
    assertThat(repeated.kind()).isEqualTo(Kind.DONE);
    assertThat(repeated.isRepetition()).isTrue();
    StoredResult again = repeated.result();
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
  void refusesAMissingKey() {
    assertRefused(requests.withLease(SCOPE, null, CONTENT, attempt -> charged()), Kind.MISSING_KEY);
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
  void refusesAMalformedKeyWithTheRule(String key, String rule) {
    RequestOutcome outcome = ask(key);
    assertRefused(outcome, Kind.MALFORMED_KEY);
    assertThat(outcome.reason()).isEqualTo(rule);
    assertThat(runs).hasValue(0);
  }

  @Test
  void refusesATooLongKeyAndAcceptsTheLongest() {
    assertRefused(ask("k".repeat(256)), Kind.MALFORMED_KEY);
    assertThat(ask("k".repeat(255)).result().status()).isEqualTo(201);
  }

  @Test
  void refusesAnotherContentAlsoWhileItRuns() {
    String other = IdempotentRequests.fingerprint(bytes("amount=6"));
    requests.withLease(
        SCOPE,
        KEY,
        CONTENT,
        attempt -> {
          assertRefused(
              requests.withLease(SCOPE, KEY, other, second -> charged()), Kind.MISMATCHED);
          return charged();
        });
    assertRefused(requests.withLease(SCOPE, KEY, other, attempt -> charged()), Kind.MISMATCHED);
    assertThat(runs).hasValue(1);
  }

  @Test
  void refusesARequestWhileAnotherRunsAndStatesTheWait() {
    requests.withLease(
        SCOPE,
        KEY,
        CONTENT,
        attempt -> {
          RequestOutcome outcome = ask(KEY);
          assertRefused(outcome, Kind.IN_PROGRESS);
          assertThat(outcome.retryAfter()).isEqualTo(Duration.ofSeconds(10));
          return charged();
        });
    assertThat(runs).hasValue(1);
  }

  @ParameterizedTest
  @ValueSource(ints = {500, 503})
  void storesNoServerErrorAndRunsAgain(int status) {
    assertThat(
            requests.withLease(SCOPE, KEY, CONTENT, attempt -> charged(status)).result().status())
        .isEqualTo(status);
    assertThat(ask(KEY).result().status()).isEqualTo(201);
    assertThat(runs).hasValue(2);
  }

  @Test
  void storesAnErrorThatIsFinal() {
    requests.withLease(SCOPE, KEY, CONTENT, attempt -> charged(402));
    assertThat(ask(KEY).result().status()).isEqualTo(402);
    assertThat(runs).hasValue(1);
  }

  @Test
  void theUserDecidesWhichResultsAreStored() {
    IdempotentRequests all = IdempotentRequests.builder(store).storeIf(result -> true).build();
    all.withLease(SCOPE, KEY, CONTENT, attempt -> charged(500));
    assertThat(all.withLease(SCOPE, KEY, CONTENT, attempt -> charged()).result().status())
        .isEqualTo(500);
  }

  @Test
  void releasesTheKeyWhenTheWorkThrowsAndKeepsItsSteps() {
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                requests.withLease(
                    SCOPE,
                    KEY,
                    CONTENT,
                    attempt -> {
                      attempt.remember("reserved", "r-17");
                      throw new IllegalStateException("the far side is down");
                    }));
    requests.withLease(
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
    RequestOutcome late =
        requests.withLease(
            SCOPE,
            KEY,
            CONTENT,
            attempt -> {
              time.advance(Duration.ofSeconds(11));
              StoredResult second =
                  requests
                      .withLease(
                          SCOPE,
                          KEY,
                          CONTENT,
                          taker -> {
                            assertThat(taker.isTakeover()).isTrue();
                            assertThat(taker.token()).isGreaterThan(attempt.token());
                            return charged();
                          })
                      .result();
              assertThat(body(second)).isEqualTo("{\"charge\":1}");
              assertThat(attempt.remember("late", "")).as("fenced").isFalse();
              return charged();
            });
    assertThat(late.isRepetition()).isTrue();
    assertThat(body(late.result()))
        .as("the stored result, not its own")
        .isEqualTo(body(ask(KEY).result()));
  }

  @Test
  void inATransactionEffectsAndResultCommitTogetherAndAServerErrorRollsBack() {
    AtomicInteger commits = new AtomicInteger();
    StoredResult failed =
        requests
            .inTransaction(
                transactions,
                SCOPE,
                KEY,
                CONTENT,
                tx -> {
                  tx.afterCommit(commits::incrementAndGet);
                  return charged(503);
                })
            .result();
    assertThat(failed.status()).isEqualTo(503);
    assertThat(commits).as("rolled back").hasValue(0);
    for (int i = 0; i < 2; i++) {
      assertThat(
              requests
                  .inTransaction(transactions, SCOPE, KEY, CONTENT, tx -> charged())
                  .result()
                  .status())
          .isEqualTo(201);
    }
    assertThat(runs).hasValue(2);
    assertRefused(
        requests.inTransaction(
            transactions, SCOPE, KEY, IdempotentRequests.fingerprint(), tx -> charged()),
        Kind.MISMATCHED);
  }

  @Test
  void returnsNoFinalResultForEffectsThatWereRolledBack() {
    assertThatIllegalStateException()
        .isThrownBy(
            () ->
                requests.inTransaction(
                    transactions,
                    SCOPE,
                    KEY,
                    CONTENT,
                    tx -> {
                      tx.setRollbackOnly();
                      return charged();
                    }))
        .withMessageStartingWith("result of the work: 201 (expected: one that is not final");
    assertThat(ask(KEY).result().status()).isEqualTo(201);
    assertThat(runs).hasValue(2);
  }

  @Test
  void inATransactionAClaimThatWasLostRollsBackAndIsInProgress() {
    AtomicInteger commits = new AtomicInteger();
    RequestOutcome outcome =
        requests.inTransaction(
            transactions,
            SCOPE,
            "key-1",
            CONTENT,
            tx -> {
              tx.afterCommit(commits::incrementAndGet);
              assertThat(store.release(new RequestKey(SCOPE, "key-1", CONTENT), 1)).isTrue();
              return charged();
            });
    assertRefused(outcome, Kind.IN_PROGRESS);
    assertThat(outcome.retryAfter()).isEqualTo(Duration.ofSeconds(1));
    assertThat(commits).as("rolled back").hasValue(0);
  }

  @Test
  void fingerprintsDistinguishTheirParts() {
    assertThat(IdempotentRequests.fingerprint(bytes("ab"), bytes("c")))
        .hasSize(64)
        .isNotEqualTo(IdempotentRequests.fingerprint(bytes("a"), bytes("bc")))
        .isEqualTo(IdempotentRequests.fingerprint(bytes("ab"), bytes("c")));
  }

  @Test
  void refusesWrongLeases() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> IdempotentRequests.builder(store).lease(Duration.ofMillis(999)))
        .withMessage("lease: PT0.999S (expected: PT1S..PT24H)");
  }
}
