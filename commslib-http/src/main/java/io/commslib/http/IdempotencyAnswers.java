package io.commslib.http;

import io.commslib.core.idempotency.RequestOutcome;
import io.commslib.core.idempotency.StoredResult;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;

/**
 * The answers of HTTP to requests with an idempotency key, as the IETF draft "The Idempotency-Key
 * HTTP Header Field" (draft-ietf-httpapi-idempotency-key-header-07, section 2.7) requires, with
 * problem details (RFC 9457). Servers call it with the outcome of {@code IdempotentRequests}.
 * Stateless and thread-safe; it does not block.
 *
 * <ul>
 *   <li>{@code MISSING_KEY} and {@code MALFORMED_KEY}: 400
 *   <li>{@code MISMATCHED}: 422
 *   <li>{@code IN_PROGRESS}: 409 with {@code Retry-After}
 *   <li>{@code DONE} and {@code NOT_KEPT}: the result, with its own status and header fields
 * </ul>
 *
 * <p>No answer repeats content of the request.
 */
public final class IdempotencyAnswers {

  /** The code of the only refusal that a caller repeats. */
  static final String IN_PROGRESS = "COMMS-HTTP-134";

  /** No lease is longer, so a longer advice of a store is a mistake. */
  private static final Duration MAX_RETRY_AFTER = Duration.ofHours(24);

  private IdempotencyAnswers() {}

  /**
   * Returns the answer to a request.
   *
   * @param outcome outcome of the request
   * @return status, media type, header fields and body of the answer
   */
  public static StoredResult of(RequestOutcome outcome) {
    return problem(outcome).map(IdempotencyAnswers::answer).orElseGet(outcome::result);
  }

  private static StoredResult answer(Problem problem) {
    Map<String, String> headers =
        problem
            .retryAfter()
            .map(wait -> Map.of("Retry-After", Long.toString(wholeSeconds(wait))))
            .orElse(Map.of());
    return new StoredResult(problem.status(), Problem.MEDIA_TYPE, problem.toJson(), headers);
  }

  /** Rounds up, so that a caller is not too early; zero would cause it to repeat immediately. */
  private static long wholeSeconds(Duration wait) {
    return Math.max(1, wait.plusMillis(999).toSeconds());
  }

  /**
   * Returns why a request is refused.
   *
   * @param outcome outcome of the request
   * @return problem details, or empty if the request is done
   */
  public static Optional<Problem> problem(RequestOutcome outcome) {
    return switch (outcome.kind()) {
      case DONE, NOT_KEPT -> Optional.empty();
      case MISSING_KEY ->
          refused(
              400,
              "COMMS-HTTP-131",
              "Idempotency-Key is missing",
              "This operation is idempotent and requires the header Idempotency-Key.");
      case MALFORMED_KEY ->
          refused(400, "COMMS-HTTP-132", "Idempotency-Key is malformed", outcome.reason());
      case MISMATCHED ->
          refused(
              422,
              "COMMS-HTTP-133",
              "Idempotency-Key is already used",
              "This key was used for another request. Do not reuse a key for a different content.");
      case IN_PROGRESS ->
          Optional.of(
              Problem.builder(409)
                  .code(IN_PROGRESS)
                  .title("A request is outstanding for this Idempotency-Key")
                  .detail(
                      "A request with this key is being worked on. Ask again later with the same"
                          + " key.")
                  .retryAfter(bounded(outcome.retryAfter()))
                  .build());
    };
  }

  private static Optional<Problem> refused(int status, String code, String title, String detail) {
    return Optional.of(
        Problem.builder(status).code(code).title(title).detail(detail).retryable(false).build());
  }

  private static Duration bounded(Duration wait) {
    if (wait.isNegative()) {
      return Duration.ZERO;
    }
    return wait.compareTo(MAX_RETRY_AFTER) > 0 ? MAX_RETRY_AFTER : wait;
  }
}
