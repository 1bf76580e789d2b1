package io.commslib.http;

import io.commslib.core.call.CallContext;
import io.commslib.core.idempotency.IdempotencyKeyHeader;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Writes what travels with a call to the header fields of an attempt. */
final class RequestHeaders {

  private static final String BAGGAGE_UNENCODED =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!#$&'()*+/:<=>?@[]^`{|}";
  private static final String HEX = "0123456789ABCDEF";

  private RequestHeaders() {}

  /**
   * Sets the fields of an attempt. The deadline is the time that the attempt still has.
   *
   * @param own the fields that the request has already: its own trace and key win
   * @param callId the id of the call, or null
   */
  static void write(
      CallContext attempt,
      String timeoutName,
      HttpHeaders own,
      @Nullable String callId,
      HttpRequest.Builder to) {
    long left = attempt.remainingNanos(Long.MAX_VALUE);
    if (left != Long.MAX_VALUE) {
      to.setHeader(timeoutName, Long.toString(Math.max(1, TimeUnit.NANOSECONDS.toMillis(left))));
    }
    to.setHeader(CallHeaders.ATTEMPT, Integer.toString(attempt.attempt()));
    if (attempt.isMirrored()) {
      to.setHeader(CallHeaders.MIRRORED, "1");
    }
    if (callId != null && isAbsent(own, CallHeaders.CALL_ID)) {
      to.setHeader(CallHeaders.CALL_ID, callId);
    }
    if (attempt.hasIdempotencyKey() && isAbsent(own, CallHeaders.IDEMPOTENCY_KEY)) {
      to.setHeader(
          CallHeaders.IDEMPOTENCY_KEY, IdempotencyKeyHeader.format(attempt.idempotencyKey()));
    }
    if (isAbsent(own, CallHeaders.TRACEPARENT)) {
      attempt.traceparent().ifPresent(value -> to.setHeader(CallHeaders.TRACEPARENT, value));
      attempt.tracestate().ifPresent(value -> to.setHeader(CallHeaders.TRACESTATE, value));
    }
    if (!attempt.baggage().isEmpty() && isAbsent(own, CallHeaders.BAGGAGE)) {
      to.setHeader(CallHeaders.BAGGAGE, baggage(attempt.baggage()));
    }
  }

  private static boolean isAbsent(HttpHeaders own, String name) {
    return own.firstValue(name).isEmpty();
  }

  private static String baggage(Map<String, String> entries) {
    StringBuilder list = new StringBuilder();
    entries.forEach(
        (name, value) -> {
          list.append(list.isEmpty() ? "" : ",");
          encode(name, list);
          list.append('=');
          encode(value, list);
        });
    return list.toString();
  }

  private static void encode(String text, StringBuilder to) {
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      if (b > 0 && BAGGAGE_UNENCODED.indexOf(b) >= 0 && b != '=') {
        to.append((char) b);
      } else {
        to.append('%').append(HEX.charAt((b >> 4) & 15)).append(HEX.charAt(b & 15));
      }
    }
  }
}
