package io.commslib.core.idempotency;

import io.commslib.core.checks.Checks;
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
 * Idempotency-Key HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header-07) requires of a
 * server. It decides by the key alone and knows no protocol: the {@link RequestOutcome} has a kind,
 * which a server of HTTP or gRPC maps to its own statuses.
 *
 * <ul>
 *   <li>no key: {@code MISSING_KEY}; a malformed one: {@code MALFORMED_KEY}
 *   <li>a key that was used with other content: {@code MISMATCHED}
 *   <li>a key in progress: {@code IN_PROGRESS}, immediately
 *   <li>a completed key: {@code DONE} with the stored result, or {@code NOT_KEPT} with its short
 *       form
 *   <li>otherwise the work runs, and its result is stored before it is returned: {@code DONE}
 * </ul>
 *
 * <p>Results that {@link Builder#storeIf} rejects, by default those with a status of 500 and above,
 * are returned and not stored: the next request with this key runs the work again. The same applies
 * if the work throws. The content is compared in every case. Applications and server filters call
 * it. Thread-safe; the work runs on the calling thread.
 *
 * <p>A result that can't be stored in full does not repeat the work: the first caller gets it, and
 * repetitions get its status with a problem of code {@code COMMS-IDEMPOTENCY-004} ({@link
 * StoredResult#kept()}).
 *
 * <pre>{@code
 * IdempotentRequests requests =
 *     IdempotentRequests.builder(
 *             JdbcIdempotencyStore.create(database, IdempotencyConfig.defaults()))
 *         .build();
 * RequestOutcome outcome =
 *     requests.inTransaction(
 *         transactions,
 *         "customer-7/charge",
 *         idempotencyKey,
 *         IdempotentRequests.fingerprint(body),
 *         tx -> charge(tx, body));
 * }</pre>
 */
public final class IdempotentRequests {

  private static final Logger log = LoggerFactory.getLogger(IdempotentRequests.class);
  private static final int SERVER_ERROR = 500;
  private static final Duration LOST_CLAIM_RETRY_AFTER = Duration.ofSeconds(1);

  /** Longer than a server lets a handler run by default, with pauses of the JVM. */
  private static final Duration DEFAULT_LEASE = Duration.ofMinutes(2);

  private static final StoredResult NO_RESULT =
      new StoredResult(SERVER_ERROR, "", new byte[0], Map.of()).shortened("the work gave none");

  private final IdempotencyStore store;
  private final Duration lease;
  private final Predicate<StoredResult> isFinal;

  private IdempotentRequests(Builder builder) {
    this.store = builder.store;
    this.lease = builder.lease;
    this.isFinal = builder.isFinal;
  }

  /**
   * Starts the settings for a store.
   *
   * @param store store of keys and results
   * @return new builder
   */
  public static Builder builder(IdempotencyStore store) {
    return new Builder(Objects.requireNonNull(store, "store"));
  }

  /** {@return the time after which another attempt takes over a key} */
  public Duration lease() {
    return lease;
  }

  /**
   * Returns the fingerprint of a request's content: SHA-256 over the length and bytes of each part,
   * as 64 hexadecimal digits. Pass the parts that make two requests the same: path and body, but
   * not headers that change.
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
   * Runs a request whose effects may be in any system, under a lease. If the lease expires first,
   * the next request with this key takes over; the result of this attempt is then not stored, and
   * the outcome is that of the later attempt, or {@code IN_PROGRESS} while the later attempt runs.
   * Blocks for work and store.
   *
   * <p>Work that has returned counts as done. If the store fails twice to store its result, the
   * result is returned anyway and {@code COMMS-IDEMPOTENCY-007} is logged; the key stays leased
   * until the lease expires, and the next attempt is a takeover. An {@link Error} that the store
   * throws twice is thrown; the key stays leased too. If the work returns null, repetitions get a
   * problem with status 500.
   *
   * @param <X> type of failure the work may throw
   * @param scope caller and operation, as in {@link RequestKey}; keys of different callers are
   *     independent
   * @param key value of the key, quoted or bare, as in {@link IdempotencyKeyHeader}; null if it is
   *     missing
   * @param fingerprint of the content, from {@link #fingerprint}
   * @param work runs at most once at a time for a key, unless a lease expires
   * @return the outcome
   * @throws X as the work throws it; the key was released, unless a step could not be remembered or
   *     the work has called {@link RequestAttempt#keepLeased}
   * @throws NullPointerException if the work returned null; it counts as done
   * @throws io.commslib.core.StoreException if the store fails before the work; nothing was done
   */
  public <X extends Exception> RequestOutcome withLease(
      String scope, @Nullable String key, String fingerprint, LeasedWork<X> work) throws X {
    Objects.requireNonNull(work, "work");
    return withValidKey(
        scope,
        key,
        fingerprint,
        request -> {
          Claim claim = store.claim(request, lease);
          return claim.kind() == Claim.Kind.GRANTED ? work(request, claim, work) : outcome(claim);
        });
  }

  private <X extends Exception> RequestOutcome work(
      RequestKey request, Claim claim, LeasedWork<X> work) throws X {
    RequestAttempt attempt = new RequestAttempt(store, request, claim);
    StoredResult result;
    try {
      result = work.run(attempt);
    } catch (Throwable e) {
      if (attempt.mayHaveEffects()) {
        log.warn(
            "request key of {} stays leased until its lease of {} expires: a step could not be"
                + " remembered, or the work may still run",
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
      return RequestOutcome.made(result);
    }
    return complete(request, claim, result);
  }

  /** Stores a result although the caller gets another failure. */
  private void storeDespite(
      Throwable failure, RequestKey request, Claim claim, StoredResult result) {
    try {
      ResultRecorder.store(store, request, claim.token(), result);
    } catch (Throwable e) {
      failure.addSuppressed(e);
    }
  }

  private RequestOutcome complete(RequestKey request, Claim claim, StoredResult result) {
    try {
      if (ResultRecorder.store(store, request, claim.token(), result)) {
        return RequestOutcome.made(result);
      }
      log.warn("request of {} took longer than its lease of {}", request.scope(), lease);
      Claim later = store.claim(request, lease);
      if (later.kind() != Claim.Kind.GRANTED) {
        return outcome(later);
      }
      // The later attempt has released the key, so this result becomes the answer.
      ResultRecorder.store(store, request, later.token(), result);
    } catch (RuntimeException e) {
      log.error(
          "COMMS-IDEMPOTENCY-007: an answer to {} is returned but not stored; its key stays leased"
              + " until the lease of {} expires, and the next attempt is a takeover",
          request.scope(),
          lease,
          e);
    }
    return RequestOutcome.made(result);
  }

  /** A failure here must not hide the failure of the work. */
  private void release(RequestKey request, Claim claim) {
    try {
      store.release(request, claim.token());
    } catch (Throwable e) {
      log.warn("request key stays leased until its lease of {} expires: {}", lease, e.toString());
    }
  }

  /**
   * Runs a request whose effects are all in one transaction on the store's database: effects and
   * result commit together or not at all. Blocks for work and store.
   *
   * @param <X> type of failure the work may throw
   * @param transactions transactions on the store's database
   * @param scope caller and operation, as in {@link RequestKey}
   * @param key value of the key, quoted or bare, as in {@link IdempotencyKeyHeader}; null if it is
   *     missing
   * @param fingerprint of the content, from {@link #fingerprint}
   * @param work runs at most once at a time for a key
   * @return the outcome; if {@link Builder#storeIf} rejects the result, nothing was committed
   * @throws X as the work throws it; rolled back
   * @throws IllegalStateException if the work marked the transaction rollback-only and returned a
   *     result to store, because a caller must not get a stored result without its effects; rolled
   *     back
   * @throws io.commslib.core.StoreException if store or transaction fails; with kind {@code
   *     UNKNOWN_RESULT} it may have committed, and the next request with this key shows the outcome
   */
  public <X extends Exception> RequestOutcome inTransaction(
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
            transactions.<RequestOutcome, X>run(
                tx -> {
                  Claim claim = store.claim(tx, request);
                  if (claim.kind() != Claim.Kind.GRANTED) {
                    return outcome(claim);
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
                      tx, request, claim.token(), StorableResults.of(request, result))) {
                    tx.setRollbackOnly();
                    return RequestOutcome.inProgress(LOST_CLAIM_RETRY_AFTER);
                  }
                  return RequestOutcome.made(result);
                }));
  }

  /** Runs a request whose key is valid. */
  private interface ValidRequest<X extends Exception> {
    RequestOutcome run(RequestKey request) throws X;
  }

  private static <X extends Exception> RequestOutcome withValidKey(
      String scope, @Nullable String key, String fingerprint, ValidRequest<X> then) throws X {
    if (key == null) {
      return RequestOutcome.missingKey();
    }
    IdempotencyKeyHeader header = IdempotencyKeyHeader.parse(key);
    return header.isValid()
        ? then.run(new RequestKey(scope, header.key(), fingerprint))
        : RequestOutcome.malformedKey(header.reason());
  }

  private static RequestOutcome outcome(Claim claim) {
    return switch (claim.kind()) {
      case COMPLETED -> RequestOutcome.stored(claim.result());
      case IN_FLIGHT -> RequestOutcome.inProgress(claim.retryAfter());
      case MISMATCHED -> RequestOutcome.mismatched();
      case GRANTED -> throw new IllegalStateException("claim: granted (expected: an answer)");
    };
  }

  /** Collects the settings. Not thread-safe. */
  public static final class Builder {

    private final IdempotencyStore store;
    private Duration lease = DEFAULT_LEASE;
    private Predicate<StoredResult> isFinal = result -> result.status() < SERVER_ERROR;

    private Builder(IdempotencyStore store) {
      this.store = store;
    }

    /**
     * Sets the time after which another attempt takes over, for {@link
     * IdempotentRequests#withLease}; a transaction needs none. It must exceed the longest run of
     * the work, with pauses of the JVM; lower it for a faster takeover after a crash.
     *
     * @param newLease 1 s to 24 h, default 2 min
     * @return this
     * @throws IllegalArgumentException if out of range
     */
    public Builder lease(Duration newLease) {
      this.lease = Checks.inRange("lease", newLease, Duration.ofSeconds(1), Duration.ofHours(24));
      return this;
    }

    /**
     * Sets the results that are stored. Other results are returned, and the next request runs the
     * work again.
     *
     * @param test called with each result; default: status below 500. If it throws, the result is
     *     stored, since the work is done, and the caller gets the failure; in a transaction
     *     everything rolls back
     * @return this
     */
    public Builder storeIf(Predicate<StoredResult> test) {
      this.isFinal = Objects.requireNonNull(test, "test");
      return this;
    }

    /**
     * Builds it.
     *
     * @return new instance, which needs no closing
     */
    public IdempotentRequests build() {
      return new IdempotentRequests(this);
    }
  }
}
