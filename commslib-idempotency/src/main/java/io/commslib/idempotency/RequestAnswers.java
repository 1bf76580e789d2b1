package io.commslib.idempotency;

import io.commslib.core.idempotency.StoredResult;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;

/**
 * The answers of the IETF draft "The Idempotency-Key HTTP Header Field" (section 2.7), as problem
 * details (RFC 9457).
 */
final class RequestAnswers {

  private static final String PROBLEM = "application/problem+json";

  private RequestAnswers() {}

  static StoredResult missingKey() {
    return problem(
        400,
        "Idempotency-Key is missing",
        "This operation is idempotent and requires the header Idempotency-Key.",
        Map.of());
  }

  /** The detail names the rule and never repeats what the client sent. */
  static StoredResult malformedKey(String rule) {
    return problem(400, "Idempotency-Key is malformed", rule, Map.of());
  }

  static StoredResult mismatched() {
    return problem(
        422,
        "Idempotency-Key is already used",
        "This key was used for another request. Do not reuse a key for a different content.",
        Map.of());
  }

  static StoredResult inFlight(Duration retryAfter) {
    long seconds = Math.max(1, retryAfter.plusMillis(999).toSeconds());
    return problem(
        409,
        "A request is outstanding for this Idempotency-Key",
        "A request with this key is being worked on. Ask again later with the same key.",
        Map.of("Retry-After", Long.toString(seconds)));
  }

  private static StoredResult problem(
      int status, String title, String detail, Map<String, String> headers) {
    String json =
        "{\"type\":\"about:blank\",\"title\":\""
            + title
            + "\",\"status\":"
            + status
            + ",\"detail\":\""
            + detail.replace("\\", "\\\\").replace("\"", "\\\"")
            + "\"}";
    return new StoredResult(status, PROBLEM, json.getBytes(StandardCharsets.UTF_8), headers);
  }
}
