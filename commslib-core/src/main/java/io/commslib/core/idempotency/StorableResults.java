package io.commslib.core.idempotency;

import java.nio.charset.StandardCharsets;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns results into the form that stores keep, and logs each short form with its reason. Stores
 * call it before they write a result. Stateless and thread-safe; it does not block.
 */
public final class StorableResults {

  private static final Logger log = LoggerFactory.getLogger(IdempotentRequests.class);

  private StorableResults() {}

  /**
   * Returns {@link StoredResult#kept()} of a result. If that is the short form, {@code
   * COMMS-IDEMPOTENCY-004} is logged as a warning.
   *
   * @param request the request, whose scope is logged
   * @param result result of the request, of any size
   * @return the result itself or its short form; the short form of a short form is the same
   */
  public static StoredResult of(RequestKey request, StoredResult result) {
    StoredResult kept = result.kept();
    return kept == result ? result : logged(request, kept);
  }

  /**
   * Returns the short form of a result that a store has refused. {@code COMMS-IDEMPOTENCY-004} is
   * logged as a warning.
   *
   * @param request the request, whose scope is logged
   * @param result result of the request, of any size
   * @param reason why the store refused it, without values of the request
   * @return the short form
   */
  public static StoredResult shortened(RequestKey request, StoredResult result, String reason) {
    return logged(request, result.shortened(reason));
  }

  private static StoredResult logged(RequestKey request, StoredResult shortened) {
    log.warn(
        "COMMS-IDEMPOTENCY-004: an answer to {} is stored in short form: {}",
        request.scope(),
        new String(shortened.body(), StandardCharsets.UTF_8));
    return shortened;
  }
}
