package io.commslib.grpc;

import io.grpc.Metadata;

/**
 * The keys of metadata by which calls carry their key, attempt and trace over gRPC. The deadline
 * travels as gRPC's own {@code grpc-timeout}.
 */
public final class GrpcHeaders {

  /** The idempotency key, as a quoted string, the same one on every attempt of a call. */
  public static final Metadata.Key<String> IDEMPOTENCY_KEY = ascii("idempotency-key");

  /** The number of attempts of the call before this one; absent on the first. */
  public static final Metadata.Key<String> PREVIOUS_ATTEMPTS = ascii("grpc-previous-rpc-attempts");

  /**
   * In trailers: the milliseconds to wait before a repetition; a negative or malformed value
   * forbids one.
   */
  public static final Metadata.Key<String> PUSHBACK = ascii("grpc-retry-pushback-ms");

  /** The position in the trace, of the W3C trace context. */
  public static final Metadata.Key<String> TRACEPARENT = ascii("traceparent");

  /** Data of tracing systems, of the W3C trace context. */
  public static final Metadata.Key<String> TRACESTATE = ascii("tracestate");

  /** Names and values that every later hop sees, of W3C baggage. */
  public static final Metadata.Key<String> BAGGAGE = ascii("baggage");

  /** In trailers: the details of a failure, a {@code google.rpc.Status}. */
  public static final Metadata.Key<byte[]> STATUS_DETAILS =
      Metadata.Key.of("grpc-status-details-bin", Metadata.BINARY_BYTE_MARSHALLER);

  private GrpcHeaders() {}

  private static Metadata.Key<String> ascii(String name) {
    return Metadata.Key.of(name, Metadata.ASCII_STRING_MARSHALLER);
  }
}
