package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.StoreException;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;

class InMemoryIdempotencyStoreTest {

  private static final Duration LEASE = Duration.ofSeconds(10);
  private static final RequestKey KEY = new RequestKey("tenant/pay", "k1", "f1");
  private static final StoredResult RESULT =
      new StoredResult(201, "text/plain", new byte[] {1}, Map.of("a", "b"));

  private final VirtualTime time = VirtualTime.create();
  private final InMemoryIdempotencyStore store =
      InMemoryIdempotencyStore.create(time.time(), Duration.ofHours(1), 3);

  @Test
  void grantsOneAndTellsTheOthersToWait() {
    Claim first = store.claim(KEY, LEASE);
    Claim second = store.claim(KEY, LEASE);
    assertThat(first.kind()).isEqualTo(Claim.Kind.GRANTED);
    assertThat(first.isTakeover()).isFalse();
    assertThat(second.kind()).isEqualTo(Claim.Kind.IN_FLIGHT);
    assertThat(second.retryAfter()).isEqualTo(LEASE);
    assertThatIllegalStateException().isThrownBy(second::token);
  }

  @Test
  void replaysTheResultUntilItsRetentionEnds() {
    store.complete(KEY, store.claim(KEY, LEASE).token(), RESULT);
    assertThat(store.claim(KEY, LEASE).result().status()).isEqualTo(201);
    time.advance(Duration.ofHours(1).plusNanos(1));
    assertThat(store.claim(KEY, LEASE).kind()).isEqualTo(Claim.Kind.GRANTED);
  }

  @Test
  void refusesAnotherContentUnderTheSameKeyOnEveryPath() {
    RequestKey other = new RequestKey(KEY.scope(), KEY.key(), "f2");
    long token = store.claim(KEY, LEASE).token();
    assertThat(store.claim(other, LEASE).kind()).isEqualTo(Claim.Kind.MISMATCHED);
    assertThat(store.complete(other, token, RESULT)).isFalse();
    store.complete(KEY, token, RESULT);
    assertThat(store.claim(other, LEASE).kind()).isEqualTo(Claim.Kind.MISMATCHED);
  }

  @Test
  void anExpiredLeaseIsTakenOverAndItsOldHolderStoresNothing() {
    long old = store.claim(KEY, LEASE).token();
    time.advance(LEASE);
    Claim takeover = store.claim(KEY, LEASE);
    assertThat(takeover.isTakeover()).isTrue();
    assertThat(takeover.token()).isGreaterThan(old);
    assertThat(store.complete(KEY, old, RESULT)).isFalse();
    assertThat(store.release(KEY, old)).isFalse();
    assertThat(store.complete(KEY, takeover.token(), RESULT)).isTrue();
  }

  @Test
  void aReleasedClaimIsGrantedAtOnceWithAHigherToken() {
    long first = store.claim(KEY, LEASE).token();
    assertThat(store.release(KEY, first)).isTrue();
    Claim next = store.claim(KEY, LEASE);
    assertThat(next.isTakeover()).isFalse();
    assertThat(next.token()).isGreaterThan(first);
    assertThat(store.complete(KEY, first, RESULT)).isFalse();
  }

  @Test
  void isBounded() {
    for (int i = 0; i < 3; i++) {
      store.claim(new RequestKey("s", "k" + i, "f"), LEASE);
    }
    assertThatThrownBy(() -> store.claim(new RequestKey("s", "one more", "f"), LEASE))
        .isInstanceOf(StoreException.class)
        .hasMessage("COMMS-IDEMPOTENCY-001: keys: 3 (expected: below 3)");
  }
}
