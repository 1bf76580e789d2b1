package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.StoreException;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.IdempotentRequests;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Contract of request stores; run on each store. */
public abstract class IdempotencyStoreContract {

  static final Duration RETENTION = Duration.ofHours(1);
  static final Duration LEASE = Duration.ofMinutes(10);
  static final RequestKey REQUEST = new RequestKey("caller/charge", "key-1", "print-1");
  static final RequestKey OTHER = new RequestKey("caller/charge", "key-1", "print-2");

  private final ExecutorService others = Executors.newCachedThreadPool();

  /** Creates a contract. */
  protected IdempotencyStoreContract() {}

  /**
   * Returns the store under test, empty, with a retention of an hour.
   *
   * @return the same during one test
   */
  protected abstract IdempotencyStore store();

  /**
   * Returns the transactions of the store's database.
   *
   * @return the runner
   */
  protected abstract TransactionRunner transactions();

  /**
   * Lets time pass for leases and retention.
   *
   * @param by how much
   */
  protected abstract void pass(Duration by);

  /**
   * Returns the number of keys of the test with many keys.
   *
   * @return a smaller number where commits are slow
   */
  protected int manyKeys() {
    return 10_000;
  }

  @AfterEach
  void stopOthers() {
    others.shutdownNow();
  }

  @Test
  void grantsTheFirstAndAnswersTheOthersWithTheTimeToWait() {
    Claim first = claim();
    assertThat(first.kind()).isEqualTo(Claim.Kind.GRANTED);
    assertThat(first.isTakeover()).isFalse();
    assertThat(first.steps()).isEmpty();
    Claim second = claim();
    assertThat(second.kind()).isEqualTo(Claim.Kind.IN_FLIGHT);
    assertThat(second.retryAfter()).isBetween(Duration.ofMinutes(8), LEASE);
  }

  @Test
  void returnsTheStoredStatusBodyAndHeaders() {
    long token = claim().token();
    byte[] body = {0, 1, -1, 'x'};
    StoredResult result =
        new StoredResult(
            201, "application/x;a=b", body, Map.of("location", "/c/1?a=b&c=\u00fc\n", "x", ""));
    assertThat(store().complete(REQUEST, token, result)).isTrue();
    assertThat(store().complete(REQUEST, token, result("second"))).as("again").isTrue();
    StoredResult stored = claim().result();
    assertThat(stored.status()).isEqualTo(201);
    assertThat(stored.contentType()).isEqualTo("application/x;a=b");
    assertThat(stored.body()).isEqualTo(body);
    assertThat(stored.headers()).isEqualTo(result.headers());
  }

  @Test
  void storesTheLargestAllowedResult() {
    Map<String, String> headers = new LinkedHashMap<>();
    for (int i = 0; i < StoredResult.MAX_HEADERS; i++) {
      headers.put("h" + i, "\u00fc".repeat(StoredResult.MAX_HEADER_CHARS));
    }
    StoredResult largest =
        new StoredResult(
            999,
            "t".repeat(StoredResult.MAX_HEADER_CHARS),
            new byte[StoredResult.MAX_BODY_BYTES],
            headers);
    assertThat(store().complete(REQUEST, claim().token(), largest)).isTrue();
    assertThat(claim().result().headers()).isEqualTo(headers);
    assertThat(claim().result().body()).hasSize(StoredResult.MAX_BODY_BYTES);
  }

  /** A place that stores the result of work. */
  enum Place {
    /** {@link IdempotencyStore#complete(RequestKey, long, StoredResult)}. */
    STORE_BY_LEASE {
      @Override
      StoredResult ask(
          IdempotencyStore store, TransactionRunner transactions, RequestKey request, Work work) {
        Claim claim = store.claim(request, LEASE);
        return claim.kind() == Claim.Kind.GRANTED
            ? done(work, null, result -> store.complete(request, claim.token(), result))
            : claim.result();
      }
    },
    /** The same with a transaction. */
    STORE_IN_TRANSACTION {
      @Override
      StoredResult ask(
          IdempotencyStore store, TransactionRunner transactions, RequestKey request, Work work) {
        return transactions.run(
            tx -> {
              Claim claim = store.claim(tx, request);
              return claim.kind() == Claim.Kind.GRANTED
                  ? done(work, tx, result -> store.complete(tx, request, claim.token(), result))
                  : claim.result();
            });
      }
    },
    /** {@link IdempotentRequests#withLease}. */
    REQUESTS_BY_LEASE {
      @Override
      StoredResult ask(
          IdempotencyStore store, TransactionRunner transactions, RequestKey request, Work work) {
        return requests(store)
            .withLease(
                request.scope(), request.key(), request.fingerprint(), attempt -> work.run(null))
            .result();
      }
    },
    /** {@link IdempotentRequests#inTransaction}. */
    REQUESTS_IN_TRANSACTION {
      @Override
      StoredResult ask(
          IdempotencyStore store, TransactionRunner transactions, RequestKey request, Work work) {
        return requests(store)
            .inTransaction(
                transactions, request.scope(), request.key(), request.fingerprint(), work::run)
            .result();
      }
    };

    /** Answers a request by the work or by the stored result. */
    abstract StoredResult ask(
        IdempotencyStore store, TransactionRunner transactions, RequestKey request, Work work);

    private static IdempotentRequests requests(IdempotencyStore store) {
      return IdempotentRequests.builder(store).lease(LEASE).storeIf(result -> true).build();
    }

    private static StoredResult done(
        Work work, @Nullable TransactionContext tx, Predicate<StoredResult> complete) {
      StoredResult result = work.run(tx);
      assertThat(complete.test(result)).as("completed").isTrue();
      return result;
    }
  }

  /** Work with an effect, which a transaction commits. */
  interface Work {
    StoredResult run(@Nullable TransactionContext tx);
  }

  /** Returns work that counts its runs. */
  static Work counted(AtomicInteger effects, StoredResult result) {
    return tx -> {
      if (tx == null) {
        effects.incrementAndGet();
      } else {
        tx.afterCommit(effects::incrementAndGet);
      }
      return result;
    };
  }

  /** Returns whether the store has capacity for every result within the limits. */
  protected boolean hasRoomForMuchText() {
    return false;
  }

  @Test
  void aResultThatCannotBeStoredInFullDoesNotRepeatTheWork() {
    for (Place place : Place.values()) {
      for (UnstorableResults each : UnstorableResults.values()) {
        String name = each + " at " + place;
        RequestKey request = new RequestKey("unkeepable", name, "f");
        AtomicInteger effects = new AtomicInteger();
        Work work = counted(effects, each.result);
        assertThat(place.ask(store(), transactions(), request, work))
            .as("the first answer of " + name)
            .isSameAs(each.result);
        StoredResult second = place.ask(store(), transactions(), request, work);
        assertThat(effects).as("effects of " + name).hasValue(1);
        assertThat(second.status()).as(name).isEqualTo(each.result.status());
        boolean isWhole =
            each.kept == UnstorableResults.Kept.WHOLE
                || (each.kept == UnstorableResults.Kept.WHERE_THERE_IS_ROOM
                    && hasRoomForMuchText());
        assertThat(UnstorableResults.isShort(second))
            .as("short form of " + name)
            .isEqualTo(!isWhole);
        assertThat(second.isShortened()).as("known as short, " + name).isEqualTo(!isWhole);
        if (isWhole) {
          assertThat(second.headers()).as(name).isEqualTo(each.result.headers());
          assertThat(second.body()).as(name).isEqualTo(each.result.body());
        }
      }
    }
  }

  @Test
  void theShortFormKeepsTheLocation() {
    StoredResult large =
        new StoredResult(
            201,
            "a/b",
            new byte[StoredResult.MAX_BODY_BYTES + 1],
            Map.of("ETag", "7", "Location", "/charges/1"));
    assertThat(store().complete(REQUEST, claim().token(), large)).isTrue();
    assertThat(claim().result().headers()).containsExactly(Map.entry("Location", "/charges/1"));
  }

  @Test
  void acceptsTheLongestKeyAndAKeyThatResemblesSql() {
    for (String key : List.of("k".repeat(255), "';DROP TABLE idempotency;--", "\\", "{}", "NULL")) {
      RequestKey request = new RequestKey("s".repeat(200), key, "f".repeat(128));
      Claim claim = store().claim(request, LEASE);
      assertThat(claim.kind()).as(key).isEqualTo(Claim.Kind.GRANTED);
      assertThat(store().complete(request, claim.token(), result(key))).isTrue();
      assertThat(store().claim(request, LEASE).result().body()).isEqualTo(result(key).body());
    }
  }

  @Test
  void comparesTheFingerprintOnEveryPath() {
    long token = claim().token();
    assertThat(store().claim(OTHER, LEASE).kind()).isEqualTo(Claim.Kind.MISMATCHED);
    assertThat(store().complete(OTHER, token, result("r"))).isFalse();
    assertThat(store().remember(OTHER, token, "s", "")).isFalse();
    assertThat(store().release(OTHER, token)).isFalse();
    assertThat(claimInTransaction(OTHER).kind()).isEqualTo(Claim.Kind.MISMATCHED);
    pass(LEASE);
    assertThat(store().claim(OTHER, LEASE).kind())
        .as("after the lease")
        .isEqualTo(Claim.Kind.MISMATCHED);
    long next = claim().token();
    assertThat(store().complete(REQUEST, next, result("r"))).isTrue();
    assertThat(store().claim(OTHER, LEASE).kind()).isEqualTo(Claim.Kind.MISMATCHED);
    assertThat(claimInTransaction(OTHER).kind()).isEqualTo(Claim.Kind.MISMATCHED);
  }

  @Test
  void keepsScopesApart() {
    claim();
    assertThat(store().claim(new RequestKey("caller/refund", "key-1", "print-2"), LEASE).kind())
        .isEqualTo(Claim.Kind.GRANTED);
  }

  @Test
  void distinguishesKeysByteByByte() {
    for (String key : List.of("key-1", "KEY-1", "key-1 ", " key-1", "key1", "key_1", "key-01")) {
      RequestKey request = new RequestKey("letters", key, "f");
      assertThat(store().claim(request, LEASE).kind()).as(key).isEqualTo(Claim.Kind.GRANTED);
    }
  }

  @Test
  void letsTheNextTakeOverAfterTheLeaseAndFencesTheOldHolder() {
    long old = claim().token();
    pass(LEASE);
    Claim next = claim();
    assertThat(next.kind()).isEqualTo(Claim.Kind.GRANTED);
    assertThat(next.isTakeover()).isTrue();
    assertThat(next.token()).isGreaterThan(old);
    assertThat(store().complete(REQUEST, old, result("late"))).isFalse();
    assertThat(store().release(REQUEST, old)).isFalse();
    assertThat(store().remember(REQUEST, old, "s", "late")).isFalse();
    assertThat(completeInTransaction(old)).isFalse();
    assertThat(store().complete(REQUEST, next.token(), result("r"))).isTrue();
    assertThat(claim().result().body()).isEqualTo(result("r").body());
  }

  @Test
  void aReleasedClaimIsGrantedAtOnceAndNotAsTakeover() {
    long token = claim().token();
    assertThat(store().release(REQUEST, token)).isTrue();
    assertThat(store().release(REQUEST, token)).isFalse();
    assertThat(store().complete(REQUEST, token, result("late"))).isFalse();
    Claim next = claim();
    assertThat(next.isTakeover()).isFalse();
    assertThat(next.token()).isGreaterThan(token);
    assertThat(store().complete(REQUEST, token, result("late"))).isFalse();
  }

  @Test
  void aCompletedClaimIsNotReleased() {
    long token = claim().token();
    store().complete(REQUEST, token, result("r"));
    assertThat(store().release(REQUEST, token)).isFalse();
    assertThat(store().remember(REQUEST, token, "s", "")).isFalse();
    assertThat(claim().kind()).isEqualTo(Claim.Kind.COMPLETED);
  }

  @Test
  void passesRememberedStepsToTheNextHolder() {
    long first = claim().token();
    assertThat(store().remember(REQUEST, first, "reserve", "id=7&x=\u00fc y")).isTrue();
    assertThat(store().remember(REQUEST, first, "charge", "a")).isTrue();
    assertThat(store().remember(REQUEST, first, "charge", "b")).isTrue();
    pass(LEASE);
    Claim second = claim();
    assertThat(second.steps())
        .containsExactly(Map.entry("reserve", "id=7&x=\u00fc y"), Map.entry("charge", "b"));
    store().remember(REQUEST, second.token(), "mail", "");
    store().release(REQUEST, second.token());
    assertThat(claim().steps()).containsOnlyKeys("reserve", "charge", "mail");
  }

  @Test
  void limitsTheRememberedSteps() {
    long token = claim().token();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().remember(REQUEST, token, "s".repeat(65), ""))
        .withMessage("step length: 65 (expected: 1..64)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().remember(REQUEST, token, "s", "v".repeat(2_049)))
        .withMessage("value length: 2049 (expected: 0..2048)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().remember(REQUEST, token, "s", "cut \ud83d"))
        .withMessage("value: half a surrogate pair (expected: whole characters)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().remember(REQUEST, token, "\ude00", "v"))
        .withMessage("step: half a surrogate pair (expected: whole characters)");
    assertThat(store().remember(REQUEST, token, "nul \0", "\0")).isTrue();
    for (int i = 0; i < 15; i++) {
      assertThat(store().remember(REQUEST, token, "s", "v".repeat(2_048))).isTrue();
    }
    assertThatThrownBy(() -> store().remember(REQUEST, token, "s", "v".repeat(2_048)))
        .isInstanceOf(StoreException.class)
        .hasMessage(
            "COMMS-IDEMPOTENCY-005: steps of a key: more than 32768 characters as stored (expected:"
                + " at most 32768)");
    assertThat(store().complete(REQUEST, token, result("r"))).isTrue();
  }

  @Test
  void forgetsAResultAfterItsRetentionAndItsSteps() {
    long token = claim().token();
    store().remember(REQUEST, token, "s", "");
    store().complete(REQUEST, token, result("r"));
    pass(RETENTION.minus(Duration.ofMinutes(5)));
    assertThat(claim().kind()).isEqualTo(Claim.Kind.COMPLETED);
    pass(Duration.ofMinutes(5));
    Claim again = store().claim(OTHER, LEASE);
    assertThat(again.kind()).isEqualTo(Claim.Kind.GRANTED);
    assertThat(again.isTakeover()).isFalse();
    assertThat(again.steps()).isEmpty();
    assertThat(again.token()).as("no token repeats").isGreaterThan(token);
  }

  @Test
  void purgesExpiredKeysOnly() {
    for (int i = 0; i < 25; i++) {
      RequestKey old = new RequestKey("purge", "old-" + i, "f");
      store().complete(old, store().claim(old, LEASE).token(), result("r"));
    }
    store().claim(REQUEST, LEASE);
    assertThat(store().purge()).isZero();
    pass(RETENTION);
    RequestKey young = new RequestKey("purge", "young", "f");
    store().complete(young, store().claim(young, LEASE).token(), result("r"));
    assertThat(store().purge()).isEqualTo(25);
    assertThat(store().claim(young, LEASE).kind()).isEqualTo(Claim.Kind.COMPLETED);
    assertThat(claim().isTakeover()).as("an abandoned claim is stored longer").isTrue();
  }

  @Test
  void inATransactionClaimAndResultCommitTogether() {
    String answer =
        transactions()
            .run(
                tx -> {
                  Claim claim = store().claim(tx, REQUEST);
                  assertThat(claim.isTakeover()).isFalse();
                  assertThat(elsewhere(() -> claimInTransaction(REQUEST)).kind())
                      .as("before the result")
                      .isEqualTo(Claim.Kind.IN_FLIGHT);
                  assertThat(store().complete(tx, REQUEST, claim.token(), result("r"))).isTrue();
                  assertThat(elsewhere(() -> claimInTransaction(REQUEST)).kind())
                      .as("before the commit")
                      .isEqualTo(Claim.Kind.IN_FLIGHT);
                  return "done";
                });
    assertThat(answer).isEqualTo("done");
    assertThat(claimInTransaction(REQUEST).result().body()).isEqualTo(result("r").body());
    assertThat(claim().kind()).as("by lease").isEqualTo(Claim.Kind.COMPLETED);
  }

  @Test
  void inATransactionARollbackLeavesNothing() {
    transactions()
        .run(
            tx -> {
              Claim claim = store().claim(tx, REQUEST);
              store().complete(tx, REQUEST, claim.token(), result("lost"));
              tx.setRollbackOnly();
              return null;
            });
    Claim next = claimInTransaction(OTHER);
    assertThat(next.kind()).isEqualTo(Claim.Kind.GRANTED);
    assertThat(next.isTakeover()).isFalse();
  }

  @Test
  void aTransactionTakesOverAnExpiredLeaseAndAnExpiredResult() {
    long token = claim().token();
    pass(LEASE);
    transactions()
        .run(
            tx -> {
              Claim claim = store().claim(tx, REQUEST);
              assertThat(claim.isTakeover()).isTrue();
              assertThat(claim.token()).isGreaterThan(token);
              assertThat(store().complete(tx, REQUEST, claim.token(), result("r"))).isTrue();
              return null;
            });
    assertThat(store().complete(REQUEST, token, result("late"))).isFalse();
    pass(RETENTION);
    transactions()
        .run(
            tx -> {
              Claim claim = store().claim(tx, OTHER);
              assertThat(claim.isTakeover()).isFalse();
              assertThat(store().complete(tx, OTHER, claim.token(), result("s"))).isTrue();
              return null;
            });
    assertThat(store().claim(OTHER, LEASE).result().body()).isEqualTo(result("s").body());
  }

  @Test
  void aClaimByLeaseCanBeCompletedInATransaction() {
    long token = claim().token();
    transactions()
        .run(
            tx -> {
              assertThat(store().complete(tx, REQUEST, token, result("lost"))).isTrue();
              tx.setRollbackOnly();
              return null;
            });
    assertThat(claim().kind()).isEqualTo(Claim.Kind.IN_FLIGHT);
    assertThat(completeInTransaction(token)).isTrue();
    assertThat(claim().kind()).isEqualTo(Claim.Kind.COMPLETED);
  }

  @Test
  void ofSixtyFourCallersOneIsGrantedAndTheOthersSeeItsResult() throws Exception {
    AtomicInteger runs = new AtomicInteger();
    List<Claim> claims =
        atOnce(
            64,
            () -> {
              Claim claim = store().claim(REQUEST, LEASE);
              if (claim.kind() == Claim.Kind.GRANTED) {
                runs.incrementAndGet();
                assertThat(store().complete(REQUEST, claim.token(), result("one"))).isTrue();
              }
              return claim;
            });
    assertThat(runs).hasValue(1);
    assertThat(claims).filteredOn(c -> c.kind() == Claim.Kind.GRANTED).hasSize(1);
    assertThat(claims)
        .filteredOn(c -> c.kind() == Claim.Kind.COMPLETED)
        .allSatisfy(c -> assertThat(c.result().body()).isEqualTo(result("one").body()));
    assertThat(claims).noneMatch(c -> c.kind() == Claim.Kind.MISMATCHED);
  }

  @Test
  void ofSixtyFourTransactionsOneRunsAndTheOthersSeeItsResult() throws Exception {
    AtomicInteger runs = new AtomicInteger();
    Callable<Claim.Kind> call =
        () ->
            transactions()
                .<Claim.Kind, Exception>run(
                    tx -> {
                      Claim claim = store().claim(tx, REQUEST);
                      if (claim.kind() == Claim.Kind.GRANTED) {
                        if (!store().complete(tx, REQUEST, claim.token(), result("one"))) {
                          tx.setRollbackOnly();
                          return Claim.Kind.IN_FLIGHT;
                        }
                        runs.incrementAndGet();
                      }
                      return claim.kind();
                    });
    List<Claim.Kind> kinds = atOnce(64, call);
    assertThat(runs).hasValue(1);
    assertThat(kinds).contains(Claim.Kind.GRANTED).doesNotContain(Claim.Kind.MISMATCHED);
    assertThat(claim().kind()).isEqualTo(Claim.Kind.COMPLETED);
  }

  @Test
  void ofManyThatSeeALeaseEndOneTakesOver() throws Exception {
    claim();
    pass(LEASE);
    List<Claim> claims = atOnce(32, () -> store().claim(REQUEST, LEASE));
    assertThat(claims).filteredOn(c -> c.kind() == Claim.Kind.GRANTED).hasSize(1);
    assertThat(claims).filteredOn(c -> c.kind() == Claim.Kind.IN_FLIGHT).hasSize(31);
  }

  @Test
  void keepsManyKeysApart() throws Exception {
    List<Integer> granted =
        atOnce(
            2,
            () -> {
              int mine = 0;
              for (int i = 0; i < manyKeys(); i++) {
                RequestKey request = new RequestKey("many", "key-" + i, "f");
                Claim claim = store().claim(request, LEASE);
                if (claim.kind() == Claim.Kind.GRANTED) {
                  mine++;
                  store().complete(request, claim.token(), result("r" + i));
                } else if (claim.kind() == Claim.Kind.COMPLETED) {
                  assertThat(claim.result().body()).isEqualTo(result("r" + i).body());
                }
              }
              return mine;
            });
    assertThat(granted.stream().mapToInt(Integer::intValue).sum()).isEqualTo(manyKeys());
  }

  @Test
  void refusesWrongLeases() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store().claim(REQUEST, Duration.ZERO))
        .withMessage("lease: PT0S (expected: PT0.001S..PT24H)");
  }

  final Claim claim() {
    return store().claim(REQUEST, LEASE);
  }

  /** Returns the answer to a claim in a transaction of its own, and rolls it back. */
  final Claim claimInTransaction(RequestKey request) {
    return transactions()
        .run(
            tx -> {
              Claim claim = store().claim(tx, request);
              tx.setRollbackOnly();
              return claim;
            });
  }

  private boolean completeInTransaction(long token) {
    return transactions().run(tx -> store().complete(tx, REQUEST, token, result("tx")));
  }

  private <T> T elsewhere(Callable<T> call) {
    try {
      return others.submit(call).get(60, TimeUnit.SECONDS);
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private <T> List<T> atOnce(int callers, Callable<T> call) throws Exception {
    CyclicBarrier start = new CyclicBarrier(callers);
    List<Future<T>> all = new ArrayList<>();
    for (int i = 0; i < callers; i++) {
      all.add(
          others.submit(
              () -> {
                start.await(60, TimeUnit.SECONDS);
                return call.call();
              }));
    }
    List<T> answers = new ArrayList<>();
    for (Future<T> one : all) {
      answers.add(one.get(120, TimeUnit.SECONDS));
    }
    return answers;
  }

  static StoredResult result(String body) {
    return new StoredResult(
        200, "text/plain", body.getBytes(StandardCharsets.UTF_8), Map.of("location", "/charges/1"));
  }
}
