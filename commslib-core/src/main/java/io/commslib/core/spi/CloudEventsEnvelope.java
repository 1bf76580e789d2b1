package io.commslib.core.spi;

import io.commslib.core.codec.CodecException;
import io.commslib.core.messaging.Message;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.format.DateTimeParseException;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * The wire form of {@link Message}: CloudEvents 1.0 in binary mode. Each attribute is a header with
 * the transport's prefix ({@code ce_} on Kafka, {@code cloudEvents_} on RabbitMQ), the media type
 * is {@code content-type}, the body is the body, and application headers keep their own names.
 * Immutable.
 *
 * <p>Attributes: {@code specversion} ({@code 1.0}), {@code id}, {@code source}, {@code type},
 * {@code subject}, {@code time} (RFC 3339). Extensions: {@code partitionkey} (the ordering key),
 * {@code dataversion} (the type's version, left out when 1), {@code correlationid}, {@code
 * causationid}, {@code traceparent}, {@code expirytime}, {@code deliverat}, {@code idempotencykey}
 * (left out when it is the id). All values are text. Extensions this version does not know are
 * ignored; a reader of an older version ignores newer ones.
 *
 * @since 0.1
 */
public final class CloudEventsEnvelope {

  /** Prefix of the Kafka protocol binding. */
  public static final String KAFKA_PREFIX = "ce_";

  /** Prefix on RabbitMQ's AMQP 0-9-1, for which CloudEvents has no binding of its own. */
  public static final String AMQP_PREFIX = "cloudEvents_";

  /** Prefix of the library's own headers; never shown to applications. */
  public static final String RESERVED_PREFIX = "commslib-";

  /** How often a message was redriven. */
  public static final String REDRIVE_COUNT = RESERVED_PREFIX + "redrive-count";

  private static final String CONTENT_TYPE = "content-type";

  private final String prefix;

  /**
   * Creates the envelope of a transport.
   *
   * @param prefix of attribute headers
   */
  public CloudEventsEnvelope(String prefix) {
    this.prefix = Objects.requireNonNull(prefix, "prefix");
  }

  /**
   * Writes a message.
   *
   * @param message what to write
   * @return headers, key and the message's own body array
   */
  public WireMessage encode(Message message) {
    Map<String, String> headers = new LinkedHashMap<>(32);
    put(headers, "specversion", "1.0");
    put(headers, "id", message.id());
    put(headers, "source", message.source());
    put(headers, "type", message.type());
    message.subject().ifPresent(value -> put(headers, "subject", value));
    message.time().ifPresent(value -> put(headers, "time", value.toString()));
    message.key().ifPresent(value -> put(headers, "partitionkey", value));
    if (message.version() != 1) {
      put(headers, "dataversion", Integer.toString(message.version()));
    }
    message.correlationId().ifPresent(value -> put(headers, "correlationid", value));
    message.causationId().ifPresent(value -> put(headers, "causationid", value));
    message.traceparent().ifPresent(value -> put(headers, "traceparent", value));
    message.expiry().ifPresent(value -> put(headers, "expirytime", value.toString()));
    message.deliverAt().ifPresent(value -> put(headers, "deliverat", value.toString()));
    if (!message.idempotencyKey().equals(message.id())) {
      put(headers, "idempotencykey", message.idempotencyKey());
    }
    headers.put(CONTENT_TYPE, message.contentType());
    headers.putAll(message.headers());
    return new WireMessage(message.key().orElse(null), headers, message.sharedBody());
  }

  /**
   * Reads a message.
   *
   * <p>Header names are taken in lower case, the first of several wins; application headers that
   * break the rules of {@link Message.Builder#header} are left out, and so are the library's own. A
   * malformed {@code traceparent} is left out. Everything else that breaks a rule fails.
   *
   * @param wire what was received
   * @return the message
   * @throws CodecException {@code COMMS-CORE-021}: not a CloudEvent (no {@code specversion}, or not
   *     1.x); {@code COMMS-CORE-022}: id missing or against its rule; {@code COMMS-CORE-023}:
   *     another attribute missing or against its rule
   */
  public Message decode(WireMessage wire) {
    String specVersion = attribute(wire, "specversion");
    if (specVersion == null || !specVersion.startsWith("1.")) {
      throw new CodecException(
          "COMMS-CORE-021", "not a CloudEvent 1.x: no header " + prefix + "specversion", null);
    }
    String type = attribute(wire, "type");
    if (type == null) {
      throw new CodecException("COMMS-CORE-023", "attribute type is missing", null);
    }
    try {
      Message.Builder builder = Message.builder(type);
      readId(builder, wire);
      readAttributes(builder, wire);
      readHeaders(builder, wire);
      return builder.sharedBody(wire.body()).build();
    } catch (IllegalArgumentException | DateTimeParseException e) {
      throw new CodecException("COMMS-CORE-023", String.valueOf(e.getMessage()), e);
    }
  }

  private void readId(Message.Builder builder, WireMessage wire) {
    String id = attribute(wire, "id");
    if (id == null) {
      throw new CodecException("COMMS-CORE-022", "attribute id is missing", null);
    }
    try {
      builder.id(id);
    } catch (IllegalArgumentException e) {
      throw new CodecException("COMMS-CORE-022", String.valueOf(e.getMessage()), e);
    }
  }

  private void readAttributes(Message.Builder builder, WireMessage wire) {
    read(wire, "source", builder::source);
    read(wire, "subject", builder::subject);
    read(wire, "time", value -> builder.time(instant(value)));
    String key = attribute(wire, "partitionkey");
    if (key == null) {
      key = wire.key().orElse(null);
    }
    if (key != null) {
      builder.key(key);
    }
    read(wire, "dataversion", value -> builder.version(Integer.parseInt(value)));
    read(wire, "correlationid", builder::correlationId);
    read(wire, "causationid", builder::causationId);
    read(wire, "expirytime", value -> builder.expiry(instant(value)));
    read(wire, "deliverat", value -> builder.deliverAt(instant(value)));
    read(wire, "idempotencykey", builder::idempotencyKey);
    String contentType = wire.headers().get(CONTENT_TYPE);
    if (contentType != null) {
      builder.contentType(contentType);
    }
    try {
      read(wire, "traceparent", builder::traceparent);
    } catch (IllegalArgumentException e) {
      // A broken trace must not cost the message: the handler simply starts a new one.
      return;
    }
  }

  private void readHeaders(Message.Builder builder, WireMessage wire) {
    Map<String, String> seen = new LinkedHashMap<>();
    wire.headers().forEach((name, value) -> seen.putIfAbsent(name.toLowerCase(Locale.ROOT), value));
    String lowerPrefix = prefix.toLowerCase(Locale.ROOT);
    seen.forEach(
        (name, value) -> {
          if (name.startsWith(lowerPrefix)
              || name.startsWith(RESERVED_PREFIX)
              || name.equals(CONTENT_TYPE)) {
            return;
          }
          try {
            builder.header(name, value);
          } catch (IllegalArgumentException e) {
            // Foreign headers outside our rules are not worth a message.
            return;
          }
        });
  }

  private static Instant instant(String value) {
    return OffsetDateTime.parse(value).toInstant();
  }

  private void read(WireMessage wire, String attribute, Consumer<String> target) {
    String value = attribute(wire, attribute);
    if (value != null) {
      target.accept(value);
    }
  }

  private @Nullable String attribute(WireMessage wire, String name) {
    return wire.headers().get(prefix + name);
  }

  private void put(Map<String, String> headers, String attribute, String value) {
    headers.put(prefix + attribute, value);
  }
}
