package io.commslib.core.wire;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.HeaderTexts;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageAttributes;
import io.commslib.core.messaging.OrderingKeys;
import io.commslib.core.wire.CloudEventsEnvelope.Attribute;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * The attributes of a received record. They have been checked; each is read from the headers on
 * demand.
 */
final class ReceivedAttributes implements MessageAttributes {

  /** The rule of {@link Message.Builder#tracestate}. */
  private static final int MAX_STATE_CHARS = 512;

  private final CloudEventsEnvelope envelope;
  private final ForeignRecord wire;
  private final int idAt;
  private final String type;
  private final int version;
  private @Nullable Map<String, String> headers;

  ReceivedAttributes(
      CloudEventsEnvelope envelope, ForeignRecord wire, int idAt, String type, int version) {
    this.envelope = envelope;
    this.wire = wire;
    this.idAt = idAt;
    this.type = type;
    this.version = version;
  }

  @Override
  public String id() {
    return wire.texts().value(idAt);
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
    String source = text(Attribute.SOURCE);
    return source == null ? "/" : source;
  }

  @Override
  public String contentType() {
    String contentType = wire.texts().get(CloudEventsEnvelope.CONTENT_TYPE);
    return contentType == null ? "application/octet-stream" : contentType;
  }

  @Override
  public @Nullable String key() {
    int at = envelope.find(wire.texts(), Attribute.PARTITIONKEY);
    String key = wire.keyText().orElse(null);
    if (at < 0) {
      return key == null ? wire.key().map(OrderingKeys::of).orElse(null) : OrderingKeys.of(key);
    }
    boolean same = key != null && WireText.equalsAscii(wire.texts().raw(at), key);
    return same ? OrderingKeys.messageKey(key) : partitionKey(at);
  }

  /** The attribute, or a form of the key if the attribute is no key of a message. */
  private String partitionKey(int at) {
    Object raw = wire.texts().raw(at);
    String text = wire.texts().value(at);
    // A replacement character may stand for bytes that are no UTF-8.
    if (text.indexOf('\uFFFD') < 0 && OrderingKeys.messageKey(text).equals(text)) {
      return text;
    }
    byte[] key = wire.key().orElse(raw instanceof byte[] bytes ? bytes : null);
    return key == null ? OrderingKeys.of(text) : OrderingKeys.of(key);
  }

  @Override
  public @Nullable String subject() {
    return text(Attribute.SUBJECT);
  }

  @Override
  public @Nullable Instant time() {
    return instant(Attribute.TIME);
  }

  @Override
  public @Nullable String correlationId() {
    return text(Attribute.CORRELATIONID);
  }

  @Override
  public @Nullable String causationId() {
    return text(Attribute.CAUSATIONID);
  }

  @Override
  public @Nullable String traceparent() {
    int at = envelope.find(wire.texts(), Attribute.TRACEPARENT);
    // A malformed trace does not make the message invalid: the handler starts a new one.
    return at >= 0 && WireText.isTraceparent(wire.texts().raw(at)) ? wire.texts().value(at) : null;
  }

  @Override
  public @Nullable String tracestate() {
    int at = envelope.find(wire.texts(), Attribute.TRACESTATE);
    if (at < 0 || traceparent() == null || !WireText.isText(wire.texts().raw(at))) {
      return null;
    }
    try {
      return Checks.text("tracestate", wire.texts().value(at), 1, MAX_STATE_CHARS);
    } catch (IllegalArgumentException e) {
      // As with a malformed trace.
      return null;
    }
  }

  @Override
  public @Nullable Instant expiry() {
    return instant(Attribute.EXPIRYTIME);
  }

  @Override
  public boolean expiresWithCall() {
    int at = envelope.find(wire.texts(), Attribute.EXPIRESWITHCALL);
    return at >= 0
        && WireText.equalsAscii(wire.texts().raw(at), CloudEventsEnvelope.TRUE)
        && envelope.find(wire.texts(), Attribute.EXPIRYTIME) >= 0;
  }

  @Override
  public @Nullable Instant deliverAt() {
    return instant(Attribute.DELIVERAT);
  }

  @Override
  public @Nullable String idempotencyKey() {
    return text(Attribute.IDEMPOTENCYKEY);
  }

  @Override
  public byte[] body() {
    return wire.body();
  }

  @Override
  public ByteBuffer bodyBuffer() {
    return wire.bodyBuffer();
  }

  @Override
  public int bodyLength() {
    return wire.bodyLength();
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
    HeaderTexts all = wire.texts();
    Message.Builder own = null;
    Set<String> seen = new TreeSet<>();
    for (int i = 0; i < all.size(); i++) {
      String name = all.name(i).toLowerCase(Locale.ROOT);
      if (!envelope.isApplications(name) || !seen.add(name) || !WireText.isText(all.raw(i))) {
        continue;
      }
      try {
        // Only the rules of headers matter here: id and type of other programs may break theirs.
        own = own == null ? Message.builder("t").id("t") : own;
        own.header(name, all.value(i));
      } catch (IllegalArgumentException e) {
        // A foreign header that breaks the rules does not make the message invalid.
        continue;
      }
    }
    return own == null ? Map.of() : own.build().headers();
  }

  private @Nullable String text(Attribute attribute) {
    int at = envelope.find(wire.texts(), attribute);
    return at < 0 ? null : wire.texts().value(at);
  }

  private @Nullable Instant instant(Attribute attribute) {
    int at = envelope.find(wire.texts(), attribute);
    return at < 0 ? null : WireText.instant(wire.texts().raw(at));
  }
}
