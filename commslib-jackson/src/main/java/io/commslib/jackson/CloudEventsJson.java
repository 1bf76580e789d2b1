package io.commslib.jackson;

import io.commslib.core.CodecException;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.OrderingKeys;
import io.commslib.core.messaging.RecordOrigin;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * CloudEvents 1.0 in JSON, structured mode: {@code application/cloudevents+json}. As the format of
 * a destination it is read and written; a transport can also take it to read such events beside
 * those in binary mode. JSON data becomes the body, written again without blanks; text data becomes
 * its UTF-8 bytes, {@code data_base64} the decoded bytes. The limits are those of {@link
 * JacksonCodec}. Immutable, thread-safe.
 */
public final class CloudEventsJson implements MessageFormat {

  private static final String MEDIA_TYPE = "application/cloudevents+json";
  private static final String WRITTEN_TYPE = MEDIA_TYPE + "; charset=UTF-8";
  private static final String CONTENT_TYPE = "content-type";
  private static final String PREFIX = CloudEventsEnvelope.KAFKA_PREFIX;
  private static final CloudEventsEnvelope BINARY = new CloudEventsEnvelope(PREFIX);
  private static final String DATA_CONTENT_TYPE = "datacontenttype";
  private static final String UNREADABLE = "COMMS-JACKSON-004";
  private static final Set<String> DATA = Set.of("data", "data_base64", DATA_CONTENT_TYPE);

  private final JacksonCodec codec;
  private final JsonMapper plain = JsonMapper.builder().build();
  private final Function<ByteBuffer, @Nullable String[]> partitionKey;

  private CloudEventsJson(JacksonCodec codec) {
    this.codec = codec;
    this.partitionKey = new JsonValues(codec).finder(List.of("/partitionkey"));
  }

  /**
   * Creates a format with the limits of {@link JacksonCodec#create()}.
   *
   * @return new format
   */
  public static CloudEventsJson create() {
    return create(JacksonCodec.create());
  }

  /**
   * Creates a format.
   *
   * @param codec codec whose limits apply
   * @return new format
   */
  public static CloudEventsJson create(JacksonCodec codec) {
    return new CloudEventsJson(Objects.requireNonNull(codec, "codec"));
  }

  @Override
  public String name() {
    return "CloudEvents in JSON (structured mode)";
  }

  @Override
  public boolean alwaysFindsId() {
    return true;
  }

  /**
   * Returns the attribute {@code partitionkey} of the event, or else the key of the record. It
   * parses the body.
   */
  @Override
  public Optional<String> orderingKey(ForeignRecord record) {
    String key = partitionKey.apply(record.bodyBuffer())[0];
    return key == null ? record.key().map(OrderingKeys::of) : Optional.of(OrderingKeys.of(key));
  }

  @Override
  public boolean needs(String headerName) {
    return headerName.equals(CONTENT_TYPE);
  }

  /** {@return whether the record's content type is {@code application/cloudevents+json}} */
  @Override
  public boolean reads(ForeignRecord record) {
    String contentType = record.texts().get(CONTENT_TYPE);
    String type = contentType == null ? "" : contentType.toLowerCase(Locale.ROOT).strip();
    return type.equals(MEDIA_TYPE) || type.startsWith(MEDIA_TYPE + ";");
  }

  /**
   * Reads an event. Headers of the record that are not attributes stay headers of the message.
   *
   * @throws CodecException {@code COMMS-JACKSON-002}: over a limit; {@code COMMS-JACKSON-003}:
   *     malformed JSON; {@code COMMS-JACKSON-004}: JSON, but not an event; or a code of {@link
   *     CloudEventsEnvelope#read}
   */
  @Override
  public Message read(ForeignRecord structured) {
    JsonNode event = codec.strictTree(structured.bodyBuffer());
    if (!event.isObject()) {
      throw refused("event: " + event.getNodeType() + " (expected: an object)");
    }
    Map<String, String> headers = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> member : event.properties()) {
      JsonNode value = member.getValue();
      if (!DATA.contains(member.getKey()) && !value.isNull()) {
        headers.put(PREFIX + member.getKey(), text(member.getKey(), value));
      }
    }
    JsonNode contentType = event.get(DATA_CONTENT_TYPE);
    headers.put(
        CONTENT_TYPE,
        contentType == null || contentType.isNull()
            ? codec.contentType()
            : text(DATA_CONTENT_TYPE, contentType));
    structured.texts().forEach(headers::putIfAbsent);
    return BINARY.read(
        new ForeignRecord(
            structured.keyText().orElse(null),
            headers,
            ByteBuffer.wrap(data(event)),
            structured.origin(RecordOrigin.class).orElse(null)));
  }

  /**
   * Writes an event. All attributes are texts. A body whose content type is JSON becomes {@code
   * data}, any other {@code data_base64}; an empty one neither. Headers of the message are headers
   * of the record, and its key is the record's key.
   *
   * @throws CodecException {@code COMMS-JACKSON-002} or {@code COMMS-JACKSON-003} if the content
   *     type is JSON and the body is not
   */
  @Override
  public ForeignRecord write(Message message) {
    ObjectNode event = plain.createObjectNode();
    BINARY
        .write(message)
        .texts()
        .forEach(
            (name, value) -> {
              if (name.startsWith(PREFIX)) {
                event.put(name.substring(PREFIX.length()), value);
              }
            });
    ForeignRecord.Builder record = ForeignRecord.builder();
    message.key().ifPresent(record::key);
    event.put(DATA_CONTENT_TYPE, message.contentType());
    if (message.bodyLength() == 0) {
      // No data.
    } else if (JsonValues.isJson(message.contentType())) {
      event.set("data", codec.tree(message.body()));
    } else {
      event.put("data_base64", Base64.getEncoder().encodeToString(message.body()));
    }
    message.headers().forEach(record::header);
    return record
        .header(CONTENT_TYPE, WRITTEN_TYPE)
        .property(CONTENT_TYPE, WRITTEN_TYPE)
        .property("message-id", message.id())
        .body(plain.writeValueAsBytes(event))
        .build();
  }

  private static String text(String name, JsonNode value) {
    if (value.isContainer()) {
      throw refused(
          "attribute "
              + (name.length() > 20 ? "of a long name" : name)
              + ": "
              + value.getNodeType()
              + " (expected: a text, a number or a boolean)");
    }
    return value.asString();
  }

  private byte[] data(JsonNode event) {
    JsonNode binary = event.get("data_base64");
    JsonNode data = event.get("data");
    if (binary != null && data != null) {
      throw refused("data: both data and data_base64 (expected: one of them, or none)");
    }
    if (binary != null) {
      return bytes(binary);
    }
    if (data == null) {
      return new byte[0];
    }
    JsonNode contentType = event.get(DATA_CONTENT_TYPE);
    boolean json =
        contentType == null || contentType.isNull() || JsonValues.isJson(contentType.asString(""));
    if (!json && data.isString()) {
      return data.asString().getBytes(StandardCharsets.UTF_8);
    }
    try {
      return plain.writeValueAsBytes(data);
    } catch (JacksonException e) {
      throw refused("data: can't be written (expected: JSON within the limits of JacksonCodec)");
    }
  }

  private static byte[] bytes(JsonNode binary) {
    try {
      return Base64.getDecoder().decode(binary.asString(""));
    } catch (IllegalArgumentException e) {
      throw refused("data_base64: other characters (expected: Base64)");
    }
  }

  private static CodecException refused(String why) {
    return new CodecException(UNREADABLE, "can't read a CloudEvent in JSON: " + why, null);
  }
}
