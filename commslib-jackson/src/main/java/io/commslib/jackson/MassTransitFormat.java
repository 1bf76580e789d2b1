package io.commslib.jackson;

import io.commslib.core.CodecException;
import io.commslib.core.checks.Checks;
import io.commslib.core.format.RecordMessage;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.OrderingKeys;
import io.commslib.core.messaging.UnknownTypeException;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The JSON envelope of MassTransit, {@code application/vnd.masstransit+json}. Immutable;
 * thread-safe.
 *
 * <table>
 *   <caption>What becomes what</caption>
 *   <tr><th>Envelope</th><th>Message</th></tr>
 *   <tr><td>{@code messageId}</td><td>id, a UUID</td></tr>
 *   <tr><td>{@code messageType}</td><td>type, by a closed list of its names; the first that is
 *       listed</td></tr>
 *   <tr><td>{@code sourceAddress}</td><td>source; the bound name if there is none</td></tr>
 *   <tr><td>{@code correlationId}, or else {@code conversationId}</td><td>correlation id; written
 *       to both</td></tr>
 *   <tr><td>{@code initiatorId}</td><td>causation id; omitted in writing unless it is a UUID</td></tr>
 *   <tr><td>{@code sentTime}, {@code expirationTime}</td><td>time, expiry</td></tr>
 *   <tr><td>{@code headers}</td><td>headers of the message, those that are text</td></tr>
 *   <tr><td>{@code message}</td><td>body, {@code application/json}, written again without
 *       blanks</td></tr>
 * </table>
 *
 * <p>Other members are ignored, and a handler reads them by {@code Delivery.record()}. Subject,
 * trace and idempotency key are lost in writing, and the version must be 1.
 */
public final class MassTransitFormat implements MessageFormat {

  private static final String MEDIA_TYPE = "application/vnd.masstransit+json";
  private static final String CONTENT_TYPE = "content-type";
  private static final String UNWRITABLE = "COMMS-CORE-033";
  private static final String UNKNOWN_TYPE = "COMMS-CORE-032";

  private final JacksonCodec codec;
  private final JsonMapper plain = JsonMapper.builder().build();
  private final Map<String, String> types;
  private final Map<String, String> names;
  private final @Nullable String keyPointer;
  private final @Nullable Function<ByteBuffer, @Nullable String[]> keyFinder;

  private MassTransitFormat(
      JacksonCodec codec, Map<String, String> types, @Nullable String keyPointer) {
    this.codec = codec;
    this.types = types;
    this.names = new HashMap<>();
    this.keyPointer = keyPointer;
    types.forEach(
        (name, type) ->
            Checks.check(
                names.putIfAbsent(Checks.printable("type", type, 128), name) == null,
                "types",
                type,
                "one name for each type"));
    this.keyFinder =
        keyPointer == null ? null : new JsonValues(codec).finder(List.of("/message" + keyPointer));
  }

  /**
   * Creates a format whose messages have the record's key, with the limits of {@link
   * JacksonCodec#create()}.
   *
   * @param types name of the message, such as {@code urn:message:Contracts:OrderCreated}, to type;
   *     each type once
   * @return the format
   * @throws IllegalArgumentException if two names have one type
   */
  public static MassTransitFormat of(Map<String, String> types) {
    return new MassTransitFormat(JacksonCodec.create(), Map.copyOf(types), null);
  }

  /**
   * Returns the same format with the ordering key in the message, since envelopes have none.
   *
   * @param pointer JSON pointer within {@code message}, such as {@code /orderId}. A record without
   *     a value there is a dead letter
   * @return new format
   * @throws IllegalArgumentException if the pointer does not begin with a slash
   */
  public MassTransitFormat key(String pointer) {
    Checks.check(pointer.startsWith("/"), "pointer", pointer, "a JSON pointer");
    return new MassTransitFormat(codec, types, pointer);
  }

  /**
   * Returns the same format with other limits.
   *
   * @param codec codec whose limits apply
   * @return new format
   */
  public MassTransitFormat limits(JacksonCodec codec) {
    return new MassTransitFormat(Objects.requireNonNull(codec, "codec"), types, keyPointer);
  }

  @Override
  public String name() {
    return "MassTransit envelope of " + types.keySet();
  }

  @Override
  public boolean alwaysFindsId() {
    return true;
  }

  /** {@return whether the content type is that of the envelope} */
  @Override
  public boolean reads(ForeignRecord record) {
    String type = record.texts().get(CONTENT_TYPE);
    return type != null && type.toLowerCase(java.util.Locale.ROOT).startsWith(MEDIA_TYPE);
  }

  @Override
  public boolean needs(String headerName) {
    return headerName.equals(CONTENT_TYPE);
  }

  @Override
  public Optional<String> orderingKey(ForeignRecord record) {
    return keyFinder == null
        ? record.key().map(OrderingKeys::of)
        : Optional.of(key(keyFinder, record.bodyBuffer())).map(OrderingKeys::of);
  }

  private String key(Function<ByteBuffer, @Nullable String[]> finder, ByteBuffer body) {
    String key = finder.apply(body)[0];
    if (key == null) {
      throw refused("message" + keyPointer + ": none (expected: the key)");
    }
    return key;
  }

  /**
   * Reads an envelope.
   *
   * @throws UnknownTypeException {@code COMMS-CORE-032} if none of its names is listed
   * @throws CodecException {@code COMMS-JACKSON-006}: no envelope; {@code COMMS-JACKSON-002},
   *     {@code COMMS-JACKSON-003}: over a limit, malformed, or a property that occurs twice; {@code
   *     COMMS-CORE-031}: a value against its rule
   */
  @Override
  public Message read(ForeignRecord record) {
    JsonNode envelope = codec.strictTree(record.bodyBuffer());
    if (!envelope.isObject()) {
      throw refused("envelope: " + envelope.getNodeType() + " (expected: an object)");
    }
    JsonNode body = envelope.get("message");
    if (body == null) {
      throw refused("message: none (expected: the data)");
    }
    String type = type(envelope.get("messageType"));
    Map<String, String> headers = headers(envelope.get("headers"));
    String correlation = text(envelope, "correlationId");
    RecordMessage message =
        RecordMessage.of(record)
            .headers(headers)
            .id(text(envelope, "messageId"))
            .type(type == null ? "unknown:" + shown(envelope.get("messageType")) : type)
            .correlationId(correlation == null ? text(envelope, "conversationId") : correlation)
            .causationId(text(envelope, "initiatorId"))
            .time(time(envelope, "sentTime"))
            .expiry(time(envelope, "expirationTime"))
            .key(orderingKey(record).orElse(null))
            .contentType(codec.contentType())
            .body(ByteBuffer.wrap(bytes(body)));
    String source = text(envelope, "sourceAddress");
    Message read = (source == null ? message : message.source(source)).build();
    if (type == null) {
      throw new UnknownTypeException(
          UNKNOWN_TYPE,
          "messageType: "
              + Checks.shorten(shown(envelope.get("messageType")))
              + " (expected: one of "
              + types.keySet()
              + ")",
          read);
    }
    return read;
  }

  /** The type of the first name that is listed; null if none is. */
  private @Nullable String type(@Nullable JsonNode messageType) {
    if (messageType == null || !messageType.isArray() || messageType.isEmpty()) {
      throw refused("messageType: no names (expected: a list of them)");
    }
    for (JsonNode name : messageType) {
      String type = types.get(name.asString(""));
      if (type != null) {
        return type;
      }
    }
    return null;
  }

  private static String shown(@Nullable JsonNode messageType) {
    return messageType == null ? "" : messageType.path(0).asString("");
  }

  private static Map<String, String> headers(@Nullable JsonNode headers) {
    Map<String, String> texts = new LinkedHashMap<>();
    if (headers != null && headers.isObject()) {
      for (Map.Entry<String, JsonNode> header : headers.properties()) {
        if (header.getValue().isValueNode() && !header.getValue().isNull()) {
          texts.put(header.getKey(), header.getValue().asString());
        }
      }
    }
    return texts;
  }

  private static @Nullable String text(JsonNode envelope, String name) {
    JsonNode value = envelope.get(name);
    if (value == null || value.isNull()) {
      return null;
    }
    if (!value.isString()) {
      throw refused(name + ": " + value.getNodeType() + " (expected: a text)");
    }
    return value.asString();
  }

  private static @Nullable Instant time(JsonNode envelope, String name) {
    String text = text(envelope, name);
    try {
      return text == null ? null : OffsetDateTime.parse(text).toInstant();
    } catch (DateTimeException e) {
      throw refused(name + ": another text (expected: a time as in RFC 3339)");
    }
  }

  private byte[] bytes(JsonNode body) {
    try {
      return plain.writeValueAsBytes(body);
    } catch (JacksonException e) {
      throw refused("message: can't be written (expected: JSON within the limits of JacksonCodec)");
    }
  }

  /**
   * Writes an envelope.
   *
   * @throws CodecException {@code COMMS-CORE-033} if the id or the correlation id is no UUID, the
   *     type is not listed, the version is not 1, the content type is not JSON, or the key is not
   *     that of the body; {@code COMMS-JACKSON-003} if the body is no JSON
   */
  @Override
  public ForeignRecord write(Message message) {
    String name = names.get(message.type());
    check(name != null, "type", message.type(), "one of " + names.keySet());
    check(message.version() == 1, "version", Integer.toString(message.version()), "1");
    check(JsonValues.isJson(message.contentType()), "contentType", message.contentType(), "JSON");
    check(isUuid(message.id()), "id", message.id(), "a UUID, as MassTransit reads no other");
    String correlation = message.correlationId().orElse(null);
    check(
        correlation == null || isUuid(correlation),
        "correlationId",
        String.valueOf(correlation),
        "a UUID, as MassTransit reads no other");
    ObjectNode envelope = plain.createObjectNode();
    envelope.put("messageId", message.id());
    if (correlation != null) {
      envelope.put("correlationId", correlation).put("conversationId", correlation);
    }
    message
        .causationId()
        .filter(MassTransitFormat::isUuid)
        .ifPresent(id -> envelope.put("initiatorId", id));
    envelope.put("sourceAddress", message.source());
    envelope.putArray("messageType").add(name);
    envelope.set("message", codec.tree(message.sharedBody()));
    message.expiry().ifPresent(time -> envelope.put("expirationTime", time.toString()));
    message.time().ifPresent(time -> envelope.put("sentTime", time.toString()));
    ObjectNode headers = envelope.putObject("headers");
    message.headers().forEach(headers::put);
    byte[] body = bytes(envelope);
    ForeignRecord.Builder record =
        ForeignRecord.builder()
            .header(CONTENT_TYPE, MEDIA_TYPE)
            .property(CONTENT_TYPE, MEDIA_TYPE)
            .property("message-id", message.id())
            .body(body);
    key(message, body).ifPresent(record::key);
    return record.build();
  }

  private Optional<String> key(Message message, byte[] envelope) {
    if (keyFinder == null) {
      return message.key();
    }
    String key = key(keyFinder, ByteBuffer.wrap(envelope));
    String own = message.key().orElse(key);
    check(own.equals(key), "key", own, "that of the body at " + keyPointer);
    return Optional.of(key);
  }

  private static boolean isUuid(String text) {
    try {
      return text.length() == 36 && UUID.fromString(text).toString().equalsIgnoreCase(text);
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  private static void check(boolean good, String name, String value, String rule) {
    if (!good) {
      throw new CodecException(
          UNWRITABLE, name + ": " + Checks.shorten(value) + " (expected: " + rule + ")", null);
    }
  }

  private static CodecException refused(String why) {
    return new CodecException(
        JsonValues.UNEXPECTED, "can't read an envelope of MassTransit: " + why, null);
  }
}
