package io.commslib.http;

/**
 * The names of the header fields by which calls carry their deadline, key and trace over HTTP.
 * Names of header fields are compared without regard to case.
 */
public final class CallHeaders {

  /** The time that the caller still waits, in milliseconds, as a decimal number. */
  public static final String TIMEOUT = "X-Request-Timeout-Ms";

  /** The number of the attempt, from 1. */
  public static final String ATTEMPT = "X-Request-Attempt";

  /**
   * The id of a call, the same one for all its attempts. Sent with GET and HEAD, which the JDK's
   * client may send twice: the server counts an attempt that arrives again.
   */
  public static final String CALL_ID = "X-Call-Id";

  /** The idempotency key as a quoted string, the same one for all attempts of a call. */
  public static final String IDEMPOTENCY_KEY = "Idempotency-Key";

  /** The position in the trace, of the W3C trace context. */
  public static final String TRACEPARENT = "traceparent";

  /** Data of tracing systems, of the W3C trace context. */
  public static final String TRACESTATE = "tracestate";

  /** Names and values that every later hop sees, of W3C baggage. */
  public static final String BAGGAGE = "baggage";

  /** Sent as {@code 1} with a copy of a call for a mirror, whose answer is discarded. */
  public static final String MIRRORED = "X-Mirrored";

  /** The time that gRPC callers still wait, which the server reads too. */
  public static final String GRPC_TIMEOUT = "grpc-timeout";

  /** The time that Envoy's callers still wait, in milliseconds, which the server reads too. */
  public static final String ENVOY_TIMEOUT = "x-envoy-expected-rq-timeout-ms";

  private CallHeaders() {}
}
