package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.inmemory.InMemoryTransactionRunner;
import io.commslib.core.time.VirtualTime;
import io.commslib.core.tx.TransactionRunner;
import java.time.Duration;
import org.junit.jupiter.api.Test;

class InMemoryIdempotencyStoreTest extends IdempotencyStoreContract {

  private final VirtualTime time = VirtualTime.create();
  private final InMemoryTransactionRunner transactions = InMemoryTransactionRunner.create();
  private final IdempotencyStore store =
      InMemoryIdempotencyStore.create(time.time(), RETENTION, 20_000);

  @Override
  protected IdempotencyStore store() {
    return store;
  }

  @Override
  protected TransactionRunner transactions() {
    return transactions;
  }

  @Override
  protected boolean hasRoomForMuchText() {
    return true;
  }

  @Override
  protected void pass(Duration by) {
    time.advance(by);
  }

  @Test
  void isBoundedAndEvictsExpiredKeys() {
    IdempotencyStore small = InMemoryIdempotencyStore.create(time.time(), RETENTION, 3);
    long released = small.claim(request(1), LEASE).token();
    small.claim(request(2), LEASE);
    small.claim(request(3), LEASE);
    assertThatThrownBy(() -> small.claim(request(4), LEASE))
        .isInstanceOfSatisfying(
            StoreException.class, e -> assertThat(e.kind()).isEqualTo(FailureKind.TRANSIENT))
        .hasMessage("COMMS-IDEMPOTENCY-001: keys: 3 (expected: less than 3, maxKeys of the store)");
    small.release(request(1), released);
    assertThat(small.claim(request(4), LEASE).kind()).isEqualTo(Claim.Kind.GRANTED);
    time.advance(LEASE.plus(RETENTION).plusNanos(1));
    assertThat(small.claim(request(5), LEASE).kind())
        .as("abandoned claims are removed in the end")
        .isEqualTo(Claim.Kind.GRANTED);
  }

  @Test
  void refusesWrongSettings() {
    assertThatIllegalArgumentException()
        .isThrownBy(() -> InMemoryIdempotencyStore.create(time.time(), RETENTION, 0))
        .withMessage("maxKeys: 0 (expected: 1..10000000)");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> InMemoryIdempotencyStore.create(time.time(), Duration.ZERO, 1))
        .withMessage("retention: PT0S (expected: PT1S..PT87600H)");
  }

  private static RequestKey request(int number) {
    return new RequestKey("caller/charge", "key-" + number, "print");
  }
}
