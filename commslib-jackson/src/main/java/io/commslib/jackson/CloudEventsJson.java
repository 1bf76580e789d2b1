package io.commslib.jackson;

import io.commslib.core.CodecException;
import io.commslib.core.wire.StructuredEvents;
import io.commslib.core.wire.WireMessage;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * CloudEvents 1.0 in JSON, structured mode: {@code application/cloudevents+json}. JSON data becomes
 * the body, written again without blanks; text data becomes its UTF-8 bytes, {@code data_base64}
 * the decoded bytes. The limits are those of {@link JacksonCodec}. Immutable, thread-safe.
 */
public final class CloudEventsJson implements StructuredEvents {

  private static final String MEDIA_TYPE = "application/cloudevents+json";
  private static final String DATA_CONTENT_TYPE = "datacontenttype";
  private static final String UNREADABLE = "COMMS-JACKSON-004";
  private static final Set<String> DATA = Set.of("data", "data_base64", DATA_CONTENT_TYPE);

  private final JacksonCodec codec;
  private final JsonMapper plain = JsonMapper.builder().build();

  private CloudEventsJson(JacksonCodec codec) {
    this.codec = codec;
  }

  /**
   * Creates a reader with the limits of {@link JacksonCodec#create()}.
   *
   * @return new reader
   */
  public static CloudEventsJson create() {
    return create(JacksonCodec.create());
  }

  /**
   * Creates a reader.
   *
   * @param codec codec whose limits apply
   * @return new reader
   */
  public static CloudEventsJson create(JacksonCodec codec) {
    return new CloudEventsJson(Objects.requireNonNull(codec, "codec"));
  }

  @Override
  public boolean reads(String contentType) {
    String type = contentType.toLowerCase(Locale.ROOT).strip();
    return type.equals(MEDIA_TYPE) || type.startsWith(MEDIA_TYPE + ";");
  }

  /**
   * Converts an event to binary mode.
   *
   * @throws CodecException {@code COMMS-JACKSON-002}: over a limit; {@code COMMS-JACKSON-003}:
   *     malformed JSON; {@code COMMS-JACKSON-004}: JSON, but not an event
   */
  @Override
  public WireMessage toBinary(WireMessage structured, String attributePrefix) {
    JsonNode event = codec.tree(structured.body());
    if (!event.isObject()) {
      throw refused("event: " + event.getNodeType() + " (expected: an object)");
    }
    Map<String, String> headers = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> member : event.properties()) {
      JsonNode value = member.getValue();
      if (!DATA.contains(member.getKey()) && !value.isNull()) {
        headers.put(attributePrefix + member.getKey(), text(member.getKey(), value));
      }
    }
    JsonNode contentType = event.get(DATA_CONTENT_TYPE);
    headers.put(
        "content-type",
        contentType == null || contentType.isNull()
            ? codec.contentType()
            : text(DATA_CONTENT_TYPE, contentType));
    structured.headers().forEach(headers::putIfAbsent);
    return new WireMessage(structured.key().orElse(null), headers, data(event));
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
    boolean json = contentType == null || contentType.isNull() || isJson(contentType.asString(""));
    if (!json && data.isString()) {
      return data.asString().getBytes(StandardCharsets.UTF_8);
    }
    try {
      return plain.writeValueAsBytes(data);
    } catch (JacksonException e) {
      throw refused("data: can't be written (expected: JSON within the limits of JacksonCodec)");
    }
  }

  private static boolean isJson(String contentType) {
    String type = contentType.toLowerCase(Locale.ROOT).split(";", 2)[0].strip();
    return type.endsWith("/json") || type.endsWith("+json");
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
