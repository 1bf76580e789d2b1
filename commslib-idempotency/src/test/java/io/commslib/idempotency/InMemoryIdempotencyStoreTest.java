package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.time.VirtualTime;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;

class InMemoryIdempotencyStoreTest {

  private static final Duration LEASE = Duration.ofSeconds(10);
  private static final Duration RETENTION = Duration.ofHours(1);
  private static final RequestKey REQUEST = new RequestKey("caller/charge", "key-1", "print-1");

  private final VirtualTime time = VirtualTime.create();
  private final InMemoryIdempotencyStore store =
      InMemoryIdempotencyStore.create(time.time(), RETENTION, 3);

  @Test
  void grantsTheFirstAndTellsOthersToWait() {
    Claim first = store.claim(REQUEST, LEASE);
    assertThat(first.kind()).isEqualTo(Claim.Kind.GRANTED);
    assertThat(first.isTakeover()).isFalse();
    time.advance(Duration.ofSeconds(4));
    Claim second = store.claim(REQUEST, LEASE);
    assertThat(second.kind()).isEqualTo(Claim.Kind.IN_FLIGHT);
    assertThat(second.retryAfter()).isEqualTo(Duration.ofSeconds(6));
  }

  @Test
  void answersRepetitionsWithTheFirstResult() {
    long token = store.claim(REQUEST, LEASE).token();
    assertThat(store.complete(REQUEST, token, result("first"))).isTrue();
    assertThat(store.complete(REQUEST, token, result("second"))).isTrue();
    Claim repeated = store.claim(REQUEST, LEASE);
    assertThat(repeated.kind()).isEqualTo(Claim.Kind.COMPLETED);
    assertThat(repeated.result().body()).isEqualTo("first".getBytes(StandardCharsets.UTF_8));
  }

  @Test
  void comparesTheFingerprintOnEveryPath() {
    RequestKey other = new RequestKey("caller/charge", "key-1", "print-2");
    long token = store.claim(REQUEST, LEASE).token();
    assertThat(store.claim(other, LEASE).kind()).isEqualTo(Claim.Kind.MISMATCHED);
    assertThat(store.complete(other, token, result("r"))).isFalse();
    assertThat(store.release(other, token)).isFalse();
    store.complete(REQUEST, token, result("r"));
    assertThat(store.claim(other, LEASE).kind()).isEqualTo(Claim.Kind.MISMATCHED);
  }

  @Test
  void keepsScopesApart() {
    store.claim(REQUEST, LEASE);
    assertThat(store.claim(new RequestKey("caller/refund", "key-1", "print-1"), LEASE).kind())
        .isEqualTo(Claim.Kind.GRANTED);
  }

  @Test
  void letsTheNextTakeOverAfterTheLeaseAndFencesTheOldHolder() {
    long old = store.claim(REQUEST, LEASE).token();
    time.advance(LEASE);
    Claim next = store.claim(REQUEST, LEASE);
    assertThat(next.kind()).isEqualTo(Claim.Kind.GRANTED);
    assertThat(next.isTakeover()).isTrue();
    assertThat(next.token()).isGreaterThan(old);
    assertThat(store.complete(REQUEST, old, result("late"))).isFalse();
    assertThat(store.release(REQUEST, old)).isFalse();
    assertThat(store.complete(REQUEST, next.token(), result("r"))).isTrue();
  }

  @Test
  void aReleasedClaimIsGrantedAtOnceAndNotAsTakeover() {
    long token = store.claim(REQUEST, LEASE).token();
    assertThat(store.release(REQUEST, token)).isTrue();
    assertThat(store.release(REQUEST, token)).isFalse();
    Claim next = store.claim(REQUEST, LEASE);
    assertThat(next.isTakeover()).isFalse();
    assertThat(next.token()).isGreaterThan(token);
    assertThat(store.complete(REQUEST, token, result("late"))).isFalse();
  }

  @Test
  void aCompletedClaimIsNotReleased() {
    long token = store.claim(REQUEST, LEASE).token();
    store.complete(REQUEST, token, result("r"));
    assertThat(store.release(REQUEST, token)).isFalse();
    assertThat(store.claim(REQUEST, LEASE).kind()).isEqualTo(Claim.Kind.COMPLETED);
  }

  @Test
  void forgetsAResultAfterItsRetention() {
    long token = store.claim(REQUEST, LEASE).token();
    store.complete(REQUEST, token, result("r"));
    time.advance(RETENTION.minusNanos(1));
    assertThat(store.claim(REQUEST, LEASE).kind()).isEqualTo(Claim.Kind.COMPLETED);
    time.advance(Duration.ofNanos(1));
    Claim again = store.claim(REQUEST, LEASE);
    assertThat(again.kind()).isEqualTo(Claim.Kind.GRANTED);
    assertThat(again.token()).as("no token comes twice").isGreaterThan(token);
  }

  @Test
  void isBoundedAndMakesRoomByWhatIsOver() {
    long released = store.claim(request(1), LEASE).token();
    store.claim(request(2), LEASE);
    store.claim(request(3), LEASE);
    assertThatThrownBy(() -> store.claim(request(4), LEASE))
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.TRANSIENT))
        .hasMessageStartingWith("COMMS-IDEMPOTENCY-001: keys: 3 (expected: below 3)");
    store.release(request(1), released);
    assertThat(store.claim(request(4), LEASE).kind()).isEqualTo(Claim.Kind.GRANTED);
    time.advance(LEASE.plus(RETENTION).plusNanos(1));
    assertThat(store.claim(request(5), LEASE).kind())
        .as("abandoned claims leave in the end")
        .isEqualTo(Claim.Kind.GRANTED);
  }

  @Test
  void grantsExactlyOneOfManyConcurrentCallers() throws Exception {
    ExecutorService callers = Executors.newFixedThreadPool(8);
    try {
      List<Callable<Claim>> calls = new ArrayList<>();
      for (int i = 0; i < 64; i++) {
        calls.add(() -> store.claim(REQUEST, LEASE));
      }
      int granted = 0;
      for (Future<Claim> claim : callers.invokeAll(calls)) {
        granted += claim.get().kind() == Claim.Kind.GRANTED ? 1 : 0;
      }
      assertThat(granted).isEqualTo(1);
    } finally {
      callers.shutdownNow();
    }
  }

  @Test
  void refusesWrongSettings() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> InMemoryIdempotencyStore.create(time.time(), RETENTION, 0))
        .withMessage("maxKeys: 0 (expected: 1..10000000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> InMemoryIdempotencyStore.create(time.time(), Duration.ZERO, 1))
        .withMessage("retention: PT0S (expected: PT1S..PT87600H)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> store.claim(REQUEST, Duration.ZERO))
        .withMessage("lease: PT0S (expected: PT0.001S..PT24H)");
  }

  private static RequestKey request(int number) {
    return new RequestKey("caller/charge", "key-" + number, "print");
  }

  private static StoredResult result(String body) {
    return new StoredResult(
        200, "text/plain", body.getBytes(StandardCharsets.UTF_8), Map.of("location", "/charges/1"));
  }
}
