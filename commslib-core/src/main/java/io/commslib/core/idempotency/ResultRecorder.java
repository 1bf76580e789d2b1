package io.commslib.core.idempotency;

import io.commslib.core.Failures;
import io.commslib.core.StoreException;
import java.util.function.BooleanSupplier;

/**
 * Stores the result of work that is done. A second attempt or a short form is better than running
 * the work again.
 */
final class ResultRecorder {

  private ResultRecorder() {}

  /**
   * Stores a result, also if an interrupt is pending; the interrupt stays pending.
   *
   * @return false if the key was taken over
   */
  static boolean store(
      IdempotencyStore store, RequestKey request, long token, StoredResult result) {
    StoredResult kept = StorableResults.of(request, result);
    boolean interrupted = Thread.interrupted();
    try {
      return store.complete(request, token, kept);
    } catch (RuntimeException | Error e) {
      StoredResult next =
          isTransient(e)
              ? kept
              : StorableResults.shortened(request, result, "the store refused it" + code(e));
      return retry(e, () -> store.complete(request, token, next));
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Remembers a step; retries once, since another connection of the pool may succeed. */
  static boolean remember(
      IdempotencyStore store, RequestKey request, long token, String step, String value) {
    try {
      return store.remember(request, token, step, value);
    } catch (StoreException e) {
      if (!isTransient(e)) {
        throw e;
      }
      return retry(e, () -> store.remember(request, token, step, value));
    }
  }

  private static boolean retry(Throwable first, BooleanSupplier attempt) {
    try {
      return attempt.getAsBoolean();
    } catch (RuntimeException | Error e) {
      if (e != first) {
        e.addSuppressed(first);
      }
      throw e;
    }
  }

  private static boolean isTransient(Throwable failure) {
    return Failures.known(failure).isPresent() && !Failures.isPermanent(failure);
  }

  private static String code(Throwable failure) {
    return Failures.known(failure).map(known -> ", " + known.code()).orElse("");
  }
}
