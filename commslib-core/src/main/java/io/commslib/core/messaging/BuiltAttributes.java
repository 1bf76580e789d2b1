package io.commslib.core.messaging;

import io.commslib.core.call.CallContext;
import io.commslib.core.call.Deadline;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A copy of a builder's values, taken when the message is built. */
final class BuiltAttributes implements MessageAttributes {

  private final String id;
  private final String type;
  private final int version;
  private final String source;
  private final @Nullable String key;
  private final @Nullable String subject;
  private final @Nullable Instant time;
  private final String contentType;
  private final byte[] body;
  private final @Nullable String correlationId;
  private final @Nullable String causationId;
  private final @Nullable String traceparent;
  private final @Nullable String tracestate;
  private final @Nullable Instant expiry;
  private final boolean expiresWithCall;
  private final @Nullable Instant deliverAt;
  private final @Nullable String idempotencyKey;
  private final Map<String, String> headers;
  private final boolean followsRules;

  BuiltAttributes(Message.Builder from) {
    this.id = from.id == null ? MessageIds.next() : from.id;
    this.type = from.type;
    this.version = from.version;
    this.source = from.source;
    this.key = from.key;
    this.subject = from.subject;
    this.time = from.time;
    this.contentType = from.contentType;
    this.body = from.body;
    this.correlationId = from.correlationId;
    this.causationId = from.causationId;
    this.traceparent = from.traceparent;
    // Without a trace it has no meaning.
    this.tracestate = from.traceparent == null ? null : from.tracestate;
    Instant callEnd = from.withinCallDeadline ? endOfCall() : null;
    boolean isCallEarlier =
        callEnd != null && (from.expiry == null || callEnd.isBefore(from.expiry));
    this.expiry = isCallEarlier ? callEnd : from.expiry;
    this.expiresWithCall = callEnd != null || (from.expiresWithCall && from.expiry != null);
    this.deliverAt = from.deliverAt;
    this.idempotencyKey = from.idempotencyKey;
    this.headers = copyOf(from.headers);
    this.followsRules = from.followsRules;
  }

  /** The time at which the call ends within which this is built, or null if it has no deadline. */
  private static @Nullable Instant endOfCall() {
    return CallContext.current().deadline().map(Deadline::instant).orElse(null);
  }

  /** Whether every value was checked by a setter of the builder. */
  boolean followsRules() {
    return followsRules;
  }

  private static Map<String, String> copyOf(Map<String, String> headers) {
    return headers.isEmpty() ? Map.of() : Collections.unmodifiableMap(new LinkedHashMap<>(headers));
  }

  @Override
  public String id() {
    return id;
  }

  @Override
  public String type() {
    return type;
  }

  @Override
  public int version() {
    return version;
  }

  @Override
  public String source() {
    return source;
  }

  @Override
  public @Nullable String key() {
    return key;
  }

  @Override
  public @Nullable String subject() {
    return subject;
  }

  @Override
  public @Nullable Instant time() {
    return time;
  }

  @Override
  public String contentType() {
    return contentType;
  }

  @Override
  public byte[] body() {
    return body;
  }

  @Override
  public @Nullable String correlationId() {
    return correlationId;
  }

  @Override
  public @Nullable String causationId() {
    return causationId;
  }

  @Override
  public @Nullable String traceparent() {
    return traceparent;
  }

  @Override
  public @Nullable String tracestate() {
    return tracestate;
  }

  @Override
  public @Nullable Instant expiry() {
    return expiry;
  }

  @Override
  public boolean expiresWithCall() {
    return expiresWithCall;
  }

  @Override
  public @Nullable Instant deliverAt() {
    return deliverAt;
  }

  @Override
  public @Nullable String idempotencyKey() {
    return idempotencyKey;
  }

  @Override
  public Map<String, String> headers() {
    return headers;
  }
}
