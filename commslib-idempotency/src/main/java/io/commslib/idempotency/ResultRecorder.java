package io.commslib.idempotency;

import io.commslib.core.Failures;
import io.commslib.core.StoreException;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import java.nio.charset.StandardCharsets;
import java.util.function.BooleanSupplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Stores the result of work that is done. A second attempt or a short form is better than running
 * the work again.
 */
final class ResultRecorder {

  private static final Logger log = LoggerFactory.getLogger(RequestGuard.class);

  private ResultRecorder() {}

  /** Returns the form of a result that stores accept; logs if it is the short form. */
  static StoredResult storable(RequestKey request, StoredResult result) {
    StoredResult kept = result.kept();
    return kept == result ? result : logged(request, kept);
  }

  /** Logs a short form and returns it. */
  static StoredResult logged(RequestKey request, StoredResult shortened) {
    log.warn(
        "COMMS-IDEMPOTENCY-004: an answer to {} is stored in short form: {}",
        request.scope(),
        new String(shortened.body(), StandardCharsets.UTF_8));
    return shortened;
  }

  /**
   * Stores a result, also if an interrupt is pending; the interrupt stays pending.
   *
   * @return false if the key was taken over
   */
  static boolean store(
      IdempotencyStore store, RequestKey request, long token, StoredResult result) {
    StoredResult kept = storable(request, result);
    boolean interrupted = Thread.interrupted();
    try {
      return store.complete(request, token, kept);
    } catch (RuntimeException | Error e) {
      StoredResult next =
          isTransient(e)
              ? kept
              : logged(request, result.shortened("the store refused it" + code(e)));
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
