package io.commslib.grpc;

import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.tx.TransactionContext;
import java.time.Duration;

/** A store in which a test changes single methods. */
class ForwardingStore implements IdempotencyStore {

  private final IdempotencyStore store;

  ForwardingStore(IdempotencyStore store) {
    this.store = store;
  }

  @Override
  public Claim claim(RequestKey request, Duration lease) {
    return store.claim(request, lease);
  }

  @Override
  public Claim claim(TransactionContext tx, RequestKey request) {
    return store.claim(tx, request);
  }

  @Override
  public boolean complete(
      TransactionContext tx, RequestKey request, long token, StoredResult result) {
    return store.complete(tx, request, token, result);
  }

  @Override
  public boolean remember(RequestKey request, long token, String step, String value) {
    return store.remember(request, token, step, value);
  }

  @Override
  public boolean complete(RequestKey request, long token, StoredResult result) {
    return store.complete(request, token, result);
  }

  @Override
  public boolean release(RequestKey request, long token) {
    return store.release(request, token);
  }

  @Override
  public long purge() {
    return store.purge();
  }
}
