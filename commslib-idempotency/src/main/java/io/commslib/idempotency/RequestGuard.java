package io.commslib.idempotency;

import io.commslib.core.checks.Checks;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.tx.TransactionContext;
import io.commslib.core.tx.TransactionRunner;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes requests take effect once and answers their repetitions, as the IETF draft "The
 * Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header-07) asks of a
 * server:
 *
 * <ul>
 *   <li>no key, or one that is none: 400
 *   <li>a key that was used with another content: 422
 *   <li>a key that is being worked on: 409 with {@code Retry-After}, at once
 *   <li>a key that is done: the stored result, with its status and headers
 *   <li>else the work runs, and its result is stored before it is returned
 * </ul>
 *
 * <p>A result that is not final, by default a status of 500 and above, is returned and not stored:
 * the next request with this key runs again. So it is when the work throws. The content is compared
 * on every path. Thread-safe; the work runs on the calling thread.
 *
 * <p>A result that can't be kept whole is no reason to do the work again: the first caller gets it,
 * and repetitions get its status with a problem of code {@code COMMS-IDEMPOTENCY-004} ({@link
 * StoredResult#storable()}).
 */
public final class RequestGuard {

  private static final Logger log = LoggerFactory.getLogger(RequestGuard.class);
  private static final int SERVER_ERROR = 500;
  private static final StoredResult NO_RESULT =
      new StoredResult(SERVER_ERROR, "", new byte[0], Map.of()).shortForm("the work gave none");

  /**
   * Work whose effects may be anywhere.
   *
   * @param <X> what it may throw
   */
  @FunctionalInterface
  public interface LeasedWork<X extends Exception> {
    /**
     * Works.
     *
     * @param attempt what is known of earlier attempts
     * @return the result, of any size; must not be null
     * @throws X if it failed; nothing is stored and the next attempt is granted at once, or when
     *     the lease runs out if a step could not be remembered
     */
    StoredResult run(RequestAttempt attempt) throws X;
  }

  /**
   * Work whose effects are all in the transaction.
   *
   * @param <X> what it may throw
   */
  @FunctionalInterface
  public interface TransactionalWork<X extends Exception> {
    /**
     * Works.
     *
     * @param tx the transaction that effects and result commit in
     * @return the result, of any size; must not be null
     * @throws X if it failed; the transaction rolls back
     */
    StoredResult run(TransactionContext tx) throws X;
  }

  private final IdempotencyStore store;
  private final Duration lease;
  private final Predicate<StoredResult> isFinal;

  private RequestGuard(Builder builder) {
    this.store = builder.store;
    this.lease = builder.lease;
    this.isFinal = builder.isFinal;
  }

  /**
   * Starts a guard.
   *
   * @param store where keys and results are kept
   * @return new builder
   */
  public static Builder builder(IdempotencyStore store) {
    return new Builder(Objects.requireNonNull(store, "store"));
  }

  /**
   * Returns the fingerprint of a request's content: SHA-256 over the length and bytes of each part,
   * as 64 hexadecimal digits. Give it what makes two requests the same: path, body, not headers
   * that change.
   *
   * @param parts parts of the content, in a fixed order
   * @return the fingerprint
   */
  public static String fingerprint(byte[]... parts) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (byte[] part : parts) {
        digest.update(ByteBuffer.allocate(Integer.BYTES).putInt(part.length).array());
        digest.update(part);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("SHA-256 (expected: in every JVM)", e);
    }
  }

  /**
   * Runs a request whose effects may be anywhere, by lease. If the lease runs out first, the next
   * request with this key takes over; what this attempt comes to then is not stored, and the answer
   * is that of the later attempt, or 409 while that is at work. Blocks for work and store.
   *
   * <p>Once the work has returned it counts as done. If the store fails twice to take its result,
   * the result is returned all the same and {@code COMMS-IDEMPOTENCY-007} is logged; the key is
   * held until the lease runs out, and the next attempt then is told that it takes the key over. If
   * the work returns null, repetitions get a problem with status 500.
   *
   * @param <X> what the work may throw
   * @param scope caller and operation, as in {@link RequestKey}; keys of different callers never
   *     meet
   * @param key value of the header {@code Idempotency-Key}, quoted or bare; null if it is missing
   * @param fingerprint of the content, from {@link #fingerprint}
   * @param work runs at most once at a time for a key, leases that ran out aside
   * @return what to answer
   * @throws X what the work threw; the key was given back, unless a step could not be remembered
   * @throws NullPointerException if the work returned null; it counts as done
   * @throws io.commslib.core.StoreException if the store fails before the work; nothing was done
   */
  public <X extends Exception> StoredResult withLease(
      String scope, @Nullable String key, String fingerprint, LeasedWork<X> work) throws X {
    Objects.requireNonNull(work, "work");
    return withValidKey(
        scope,
        key,
        fingerprint,
        request -> {
          Claim claim = store.claim(request, lease);
          return claim.kind() == Claim.Kind.GRANTED ? work(request, claim, work) : answer(claim);
        });
  }

  private <X extends Exception> StoredResult work(
      RequestKey request, Claim claim, LeasedWork<X> work) throws X {
    RequestAttempt attempt = new RequestAttempt(store, request, claim);
    StoredResult result;
    try {
      result = work.run(attempt);
    } catch (Throwable e) {
      if (attempt.hasUnrecordedStep()) {
        log.warn(
            "request key of {} held until its lease of {} runs out: a step is not on record",
            request.scope(),
            lease);
      } else {
        release(request, claim);
      }
      throw e;
    }
    // From here on the work is done, whatever else fails.
    if (result == null) {
      NullPointerException failure = new NullPointerException("result of the work");
      storeDespite(failure, request, claim, NO_RESULT);
      throw failure;
    }
    boolean stores;
    try {
      stores = isFinal.test(result);
    } catch (Throwable e) {
      storeDespite(e, request, claim, result);
      throw e;
    }
    if (!stores) {
      release(request, claim);
      return result;
    }
    return complete(request, claim, result);
  }

  /** Keeps a result whose caller is told of another failure. */
  private void storeDespite(
      Throwable failure, RequestKey request, Claim claim, StoredResult result) {
    try {
      ResultRecorder.store(store, request, claim.token(), result);
    } catch (Throwable e) {
      failure.addSuppressed(e);
    }
  }

  private StoredResult complete(RequestKey request, Claim claim, StoredResult result) {
    try {
      if (ResultRecorder.store(store, request, claim.token(), result)) {
        return result;
      }
      log.warn("request of {} took longer than its lease of {}", request.scope(), lease);
      Claim later = store.claim(request, lease);
      if (later.kind() != Claim.Kind.GRANTED) {
        return answer(later);
      }
      // The later attempt has given up. What this one came to is as good as any.
      ResultRecorder.store(store, request, later.token(), result);
    } catch (RuntimeException e) {
      log.error(
          "COMMS-IDEMPOTENCY-007: an answer to {} is given but not kept; its key is held until the"
              + " lease of {} runs out, and the next attempt is told that it takes it over",
          request.scope(),
          lease,
          e);
    }
    return result;
  }

  /** Must not hide what the work has thrown. */
  private void release(RequestKey request, Claim claim) {
    try {
      store.release(request, claim.token());
    } catch (Throwable e) {
      log.warn("request key held until its lease of {} runs out: {}", lease, e.toString());
    }
  }

  /**
   * Runs a request whose effects are all in one transaction on the store's database: effects and
   * result commit together or not at all. Blocks for work and store.
   *
   * @param <X> what the work may throw
   * @param transactions on the store's database
   * @param scope caller and operation, as in {@link RequestKey}
   * @param key value of the header {@code Idempotency-Key}, quoted or bare; null if it is missing
   * @param fingerprint of the content, from {@link #fingerprint}
   * @param work runs at most once at a time for a key
   * @return what to answer; if the result is not final, nothing was committed
   * @throws X what the work threw; rolled back
   * @throws IllegalStateException if the work marked the transaction rollback-only and returned a
   *     final result: nobody may be told of effects that are not there; rolled back
   * @throws io.commslib.core.StoreException if store or transaction fails; with kind {@code
   *     UNKNOWN_RESULT} it may have committed, and the next request with this key tells
   */
  public <X extends Exception> StoredResult inTransaction(
      TransactionRunner transactions,
      String scope,
      @Nullable String key,
      String fingerprint,
      TransactionalWork<X> work)
      throws X {
    Objects.requireNonNull(transactions, "transactions");
    Objects.requireNonNull(work, "work");
    return withValidKey(
        scope,
        key,
        fingerprint,
        request ->
            transactions.<StoredResult, X>run(
                tx -> {
                  Claim claim = store.claim(tx, request);
                  if (claim.kind() != Claim.Kind.GRANTED) {
                    return answer(claim);
                  }
                  StoredResult result = Objects.requireNonNull(work.run(tx), "result of the work");
                  if (!isFinal.test(result)) {
                    tx.setRollbackOnly();
                  } else if (tx.isRollbackOnly()) {
                    throw new IllegalStateException(
                        "result of the work: "
                            + result.status()
                            + " (expected: one that is not final, since the transaction rolls"
                            + " back)");
                  } else if (!store.complete(
                      tx, request, claim.token(), ResultRecorder.storable(request, result))) {
                    tx.setRollbackOnly();
                    return RequestAnswers.inFlight(Duration.ofSeconds(1));
                  }
                  return result;
                }));
  }

  /** What to do with a request whose key is one. */
  private interface ValidRequest<X extends Exception> {
    StoredResult run(RequestKey request) throws X;
  }

  private static <X extends Exception> StoredResult withValidKey(
      String scope, @Nullable String key, String fingerprint, ValidRequest<X> then) throws X {
    if (key == null) {
      return RequestAnswers.missingKey();
    }
    String parsed;
    try {
      parsed = IdempotencyKeyHeader.parse(key);
    } catch (IdempotencyKeyHeader.MalformedException e) {
      return RequestAnswers.malformedKey(String.valueOf(e.getMessage()));
    }
    return then.run(new RequestKey(scope, parsed, fingerprint));
  }

  private static StoredResult answer(Claim claim) {
    return switch (claim.kind()) {
      case COMPLETED -> claim.result();
      case IN_FLIGHT -> RequestAnswers.inFlight(claim.retryAfter());
      case MISMATCHED -> RequestAnswers.mismatched();
      case GRANTED -> throw new IllegalStateException("a granted claim is to be worked on");
    };
  }

  /** Collects the settings of a guard. Not thread-safe. */
  public static final class Builder {

    private final IdempotencyStore store;
    private Duration lease = Duration.ofSeconds(30);
    private Predicate<StoredResult> isFinal = result -> result.status() < SERVER_ERROR;

    private Builder(IdempotencyStore store) {
      this.store = store;
    }

    /**
     * Sets how long work by lease may take before another attempt takes over. Longer than the
     * longest work, pauses of the JVM included.
     *
     * @param newLease 1 s to 24 h, default 30 s
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder lease(Duration newLease) {
      this.lease = Checks.inRange("lease", newLease, Duration.ofSeconds(1), Duration.ofHours(24));
      return this;
    }

    /**
     * Sets which results are stored; others are returned, and the next request runs again.
     *
     * @param test default: status below 500; called with each result. If it throws, the result is
     *     kept, since the work is done, and the caller gets what it has thrown; in a transaction
     *     everything rolls back
     * @return this
     */
    public Builder storeIf(Predicate<StoredResult> test) {
      this.isFinal = Objects.requireNonNull(test, "test");
      return this;
    }

    /**
     * Builds the guard.
     *
     * @return new guard
     */
    public RequestGuard build() {
      return new RequestGuard(this);
    }
  }
}
