package io.commslib.idempotency;

import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.tx.TransactionContext;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.function.Predicate;

/**
 * A store that fails with a selected failure in a selected call, before or after the call has taken
 * effect.
 */
final class FailingStore implements IdempotencyStore {

  private final IdempotencyStore store;
  private final Deque<Throwable> before = new ArrayDeque<>();
  private final Deque<Throwable> after = new ArrayDeque<>();
  private final Deque<Throwable> steps = new ArrayDeque<>();
  private final Deque<Throwable> claims = new ArrayDeque<>();
  private Predicate<StoredResult> refused = result -> false;
  private RuntimeException refusal = new IllegalStateException();

  FailingStore(IdempotencyStore store) {
    this.store = store;
  }

  /** Fails the next calls of {@code complete}, which store nothing. */
  FailingStore completing(Throwable... failures) {
    before.addAll(java.util.List.of(failures));
    return this;
  }

  /** Fails the next calls of {@code complete} after they have stored the result. */
  FailingStore completed(Throwable... failures) {
    after.addAll(java.util.List.of(failures));
    return this;
  }

  /** Fails every call of {@code complete} with such a result. */
  FailingStore refusing(Predicate<StoredResult> newRefused, RuntimeException newRefusal) {
    this.refused = newRefused;
    this.refusal = newRefusal;
    return this;
  }

  /** Fails the next calls of {@code remember}. */
  FailingStore remembering(Throwable... failures) {
    steps.addAll(java.util.List.of(failures));
    return this;
  }

  /** Fails the claims after the next one. */
  FailingStore claimingAgain(Throwable failure) {
    claims.add(new SkipOnce());
    claims.add(failure);
    return this;
  }

  private static final class SkipOnce extends RuntimeException {
    private static final long serialVersionUID = 1L;
  }

  private static void fail(Deque<Throwable> failures) {
    Throwable failure = failures.poll();
    if (failure == null || failure instanceof SkipOnce) {
      return;
    }
    if (failure instanceof Error error) {
      throw error;
    }
    throw (RuntimeException) failure;
  }

  @Override
  public Claim claim(RequestKey request, Duration lease) {
    fail(claims);
    return store.claim(request, lease);
  }

  @Override
  public Claim claim(TransactionContext tx, RequestKey request) {
    return store.claim(tx, request);
  }

  @Override
  public boolean complete(
      TransactionContext tx, RequestKey request, long token, StoredResult result) {
    beforeCompleting(result);
    boolean done = store.complete(tx, request, token, result);
    fail(after);
    return done;
  }

  @Override
  public boolean complete(RequestKey request, long token, StoredResult result) {
    beforeCompleting(result);
    boolean done = store.complete(request, token, result);
    fail(after);
    return done;
  }

  private void beforeCompleting(StoredResult result) {
    if (Thread.currentThread().isInterrupted()) {
      throw new IllegalStateException("interrupted, as many stores are");
    }
    if (refused.test(result)) {
      throw refusal;
    }
    fail(before);
  }

  @Override
  public boolean remember(RequestKey request, long token, String step, String value) {
    fail(steps);
    return store.remember(request, token, step, value);
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
