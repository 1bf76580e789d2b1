package io.commslib.grpc;

import io.commslib.core.call.CallContext;
import io.commslib.core.idempotency.IdempotencyKeyHeader;
import io.grpc.Metadata;
import org.jspecify.annotations.Nullable;

/** Writes what travels with an attempt. What the caller has set itself stays as it is. */
final class ContextMetadata {

  private ContextMetadata() {}

  /** Returns the metadata of an attempt: a copy, since the parts below may change it. */
  static Metadata of(Metadata own, CallContext attempt) {
    Metadata headers = new Metadata();
    headers.merge(own);
    if (attempt.hasIdempotencyKey()
        && !keeps(headers.get(GrpcHeaders.IDEMPOTENCY_KEY), attempt.idempotencyKey())) {
      headers.discardAll(GrpcHeaders.IDEMPOTENCY_KEY);
      headers.put(
          GrpcHeaders.IDEMPOTENCY_KEY, IdempotencyKeyHeader.format(attempt.idempotencyKey()));
    }
    if (attempt.attempt() > 1) {
      headers.discardAll(GrpcHeaders.PREVIOUS_ATTEMPTS);
      headers.put(GrpcHeaders.PREVIOUS_ATTEMPTS, Integer.toString(attempt.attempt() - 1));
    }
    if (attempt.traceparent().isPresent() && !headers.containsKey(GrpcHeaders.TRACEPARENT)) {
      headers.put(GrpcHeaders.TRACEPARENT, attempt.traceparent().get());
      attempt.tracestate().ifPresent(state -> headers.put(GrpcHeaders.TRACESTATE, state));
    }
    if (!attempt.baggage().isEmpty() && !headers.containsKey(GrpcHeaders.BAGGAGE)) {
      headers.put(GrpcHeaders.BAGGAGE, BaggageText.write(attempt.baggage()));
    }
    return headers;
  }

  /** The key of the call replaces another one; a malformed one is for the server to refuse. */
  private static boolean keeps(@Nullable String header, String key) {
    if (header == null) {
      return false;
    }
    IdempotencyKeyHeader parsed = IdempotencyKeyHeader.parse(header);
    return !parsed.isValid() || parsed.key().equals(key);
  }
}
