package io.commslib.core.format;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.HeaderTexts;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageAttributes;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** The attributes of a record that a format has read. Headers are read on demand. */
final class RecordAttributes implements MessageAttributes {

  /** The rule of {@link Message.Builder#tracestate}. */
  private static final int MAX_STATE_CHARS = 512;

  private final ForeignRecord record;
  private final String id;
  private final String type;
  private final int version;
  private final String source;
  private final String contentType;
  private final @Nullable String key;
  private final @Nullable String subject;
  private final @Nullable Instant time;
  private final @Nullable String correlationId;
  private final @Nullable String causationId;
  private final @Nullable Instant expiry;
  private final @Nullable String idempotencyKey;
  private final @Nullable ByteBuffer body;
  private final Set<String> hidden;
  private final HeaderTexts texts;
  private final @Nullable String traceparent;
  private final @Nullable String tracestate;
  private final boolean expiresWithCall;
  private @Nullable Map<String, String> headers;

  /** Takes values that have been checked. */
  RecordAttributes(RecordMessage from) {
    this.record = from.record;
    this.id = Objects.requireNonNull(from.id);
    this.type = Objects.requireNonNull(from.type);
    this.version = from.version;
    this.source = Objects.requireNonNull(from.source);
    this.contentType = from.contentType;
    this.key = from.key;
    this.subject = from.subject;
    this.time = from.time;
    this.correlationId = from.correlationId;
    this.causationId = from.causationId;
    this.expiry = from.expiry;
    this.idempotencyKey = from.idempotencyKey;
    this.body = from.body;
    this.hidden = from.hidden;
    this.texts = from.headers;
    this.traceparent = from.traceparent;
    this.tracestate = from.tracestate;
    this.expiresWithCall = from.expiresWithCall;
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
  public String contentType() {
    return contentType;
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
  public @Nullable String correlationId() {
    return correlationId;
  }

  @Override
  public @Nullable String causationId() {
    return causationId;
  }

  @Override
  public @Nullable String traceparent() {
    if (traceparent == null) {
      return null;
    }
    try {
      return Message.builder("t").traceparent(traceparent).build().traceparent().orElse(null);
    } catch (IllegalArgumentException e) {
      // A malformed trace does not make the message invalid: the handler starts a new one.
      return null;
    }
  }

  @Override
  public @Nullable String tracestate() {
    if (tracestate == null || traceparent() == null) {
      return null;
    }
    try {
      return Checks.text("tracestate", tracestate, 1, MAX_STATE_CHARS);
    } catch (IllegalArgumentException e) {
      // As with a malformed trace.
      return null;
    }
  }

  @Override
  public @Nullable Instant expiry() {
    return expiry;
  }

  @Override
  public boolean expiresWithCall() {
    return expiresWithCall && expiry != null;
  }

  @Override
  public @Nullable Instant deliverAt() {
    return null;
  }

  @Override
  public @Nullable String idempotencyKey() {
    return idempotencyKey;
  }

  @Override
  public byte[] body() {
    ByteBuffer own = body;
    if (own == null) {
      return record.body();
    }
    int begin = own.arrayOffset() + own.position();
    return Arrays.copyOfRange(own.array(), begin, begin + own.remaining());
  }

  @Override
  public ByteBuffer bodyBuffer() {
    return body == null ? record.bodyBuffer() : body.duplicate();
  }

  @Override
  public int bodyLength() {
    return body == null ? record.bodyLength() : body.remaining();
  }

  @Override
  public Map<String, String> headers() {
    Map<String, String> known = headers;
    if (known == null) {
      known = readHeaders();
      headers = known;
    }
    return known;
  }

  private Map<String, String> readHeaders() {
    HeaderTexts all = texts;
    Map<String, String> own = new LinkedHashMap<>();
    int chars = 0;
    for (int i = 0; i < all.size(); i++) {
      String name = all.name(i).toLowerCase(Locale.ROOT);
      if (hidden.contains(all.name(i)) || own.containsKey(name) || !HeaderRules.isText(all, i)) {
        continue;
      }
      String value = all.value(i);
      if (HeaderRules.fits(name, value)
          && chars + name.length() + value.length() <= Message.MAX_HEADER_CHARS) {
        chars += name.length() + value.length();
        own.put(name, value);
      }
    }
    return own.isEmpty() ? Map.of() : Collections.unmodifiableMap(own);
  }
}
