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
 * Puts on record what work has come to. It is done by then: a second try, a shorter form, anything
 * is better than to do it again.
 */
final class ResultRecorder {

  private static final Logger log = LoggerFactory.getLogger(RequestGuard.class);

  private ResultRecorder() {}

  /** What a store keeps of a result; says so if that is not all. */
  static StoredResult kept(RequestKey request, StoredResult result) {
    StoredResult kept = result.kept();
    return kept == result ? result : shortForm(request, kept);
  }

  /** Returns a short form, and says that there is one. */
  static StoredResult shortForm(RequestKey request, StoredResult shortened) {
    log.warn(
        "COMMS-IDEMPOTENCY-004: of an answer to {} a short form is kept: {}",
        request.scope(),
        new String(shortened.body(), StandardCharsets.UTF_8));
    return shortened;
  }

  /**
   * Stores a result. An interrupt that is pending must not keep it from that.
   *
   * @return false if the key was taken over
   */
  static boolean keep(IdempotencyStore store, RequestKey request, long token, StoredResult result) {
    StoredResult kept = kept(request, result);
    boolean interrupted = Thread.interrupted();
    try {
      return store.complete(request, token, kept);
    } catch (RuntimeException | Error e) {
      StoredResult next =
          isPassing(e)
              ? kept
              : shortForm(request, result.shortened("the store refused it" + code(e)));
      return again(e, () -> store.complete(request, token, next));
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Remembers a step; another connection of the pool may do what the first could not. */
  static boolean remember(
      IdempotencyStore store, RequestKey request, long token, String step, String value) {
    try {
      return store.remember(request, token, step, value);
    } catch (StoreException e) {
      if (!isPassing(e)) {
        throw e;
      }
      return again(e, () -> store.remember(request, token, step, value));
    }
  }

  private static boolean again(Throwable first, BooleanSupplier attempt) {
    try {
      return attempt.getAsBoolean();
    } catch (RuntimeException | Error e) {
      if (e != first) {
        e.addSuppressed(first);
      }
      throw e;
    }
  }

  private static boolean isPassing(Throwable failure) {
    return Failures.known(failure).isPresent() && !Failures.isPermanent(failure);
  }

  private static String code(Throwable failure) {
    return Failures.known(failure).map(known -> ", " + known.code()).orElse("");
  }
}
