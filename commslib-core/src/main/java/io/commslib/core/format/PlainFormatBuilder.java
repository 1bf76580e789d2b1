package io.commslib.core.format;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.MessageFormat;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Builds a format for plain records: the body is the application's data and nothing else, and the
 * attributes of the message stand in the places that this builder names. {@code PlainFormat.json()}
 * of {@code commslib-jackson} starts one whose values may stand in the body. Not thread-safe.
 *
 * <p>Reading: the type and the id must be found, and so must a key whose only source is the body.
 * Time and correlation id may be missing. A record without a value that must be found, or with a
 * value against its rule, is a dead letter.
 *
 * <p>Writing: each attribute is written to the first place of its source. A value of the body, a
 * constant type and a constant key are not written but compared: a message that has another one is
 * refused. The key is the record's key in any case. On AMQP, {@code message-id, type,
 * correlation-id, timestamp} and {@code content-type} are written as well. The headers of the
 * message are headers of the record. What has no place is lost: the version must be 1, and subject,
 * causation id, expiry and idempotency key do not arrive.
 */
public final class PlainFormatBuilder {

  final String contentType;
  final @Nullable BodyReader body;
  @Nullable ValueSource type;
  ValueSource source = ValueSource.boundName();
  ValueSource id = ValueSource.assignedId();
  ValueSource key = ValueSource.recordKey();
  @Nullable ValueSource time;
  @Nullable ValueSource correlationId;
  @Nullable String tombstone;
  @Nullable Map<String, String> types;
  Map<String, String> values = Map.of();
  boolean spring;
  @Nullable SchemaFrame frame;

  private PlainFormatBuilder(String contentType, @Nullable BodyReader body) {
    this.contentType = Checks.text("contentType", contentType, 1, 256);
    this.body = body;
  }

  /**
   * Starts a format for bodies of any bytes.
   *
   * @param contentType media type of the bodies, 1 to 256 characters; a message with another one is
   *     not written
   * @return new builder
   */
  public static PlainFormatBuilder bytes(String contentType) {
    return new PlainFormatBuilder(contentType, null);
  }

  /**
   * Starts a format for bodies in which values can be found.
   *
   * @param body finds the values
   * @return new builder
   */
  public static PlainFormatBuilder of(BodyReader body) {
    return new PlainFormatBuilder(body.contentType(), body);
  }

  /** A format whose bodies have a frame that names their type. */
  static PlainFormatBuilder framed(String contentType, SchemaFrame frame) {
    PlainFormatBuilder builder = bytes(contentType);
    builder.frame = frame;
    return builder;
  }

  /**
   * Sets the type of all records.
   *
   * @param type the type of their messages, 1 to 128 characters; required, unless set by {@link
   *     #type(ValueSource)}; default none
   * @return this
   */
  public PlainFormatBuilder type(String type) {
    this.type = ValueSource.constant(Checks.printable("type", type, 128));
    return this;
  }

  /**
   * Sets the source of the type.
   *
   * @param source where the type stands; required, unless set by {@link #type(String)}; default
   *     none
   * @return this
   */
  public PlainFormatBuilder type(ValueSource source) {
    this.type = Objects.requireNonNull(source, "source");
    return this;
  }

  /**
   * Sets the closed list of types: the text in the record, and the type of the message. A record
   * with another text has an unknown type: it is a dead letter, unless the handler is a {@code
   * TypedHandler} with {@code otherwise}. A message of another type is not written.
   *
   * @param types text in the record to type; not empty, each type once. By default the text is the
   *     type
   * @return this
   * @throws IllegalArgumentException if it is empty or two texts have one type
   */
  public PlainFormatBuilder types(Map<String, String> types) {
    Map<String, String> back = new HashMap<>();
    types.forEach(
        (text, type) ->
            Checks.check(
                back.putIfAbsent(Checks.printable("type", type, 128), text) == null,
                "types",
                type,
                "one text for each type"));
    Checks.check(!types.isEmpty(), "types", "none", "at least one");
    this.types = Map.copyOf(new LinkedHashMap<>(types));
    this.values = Map.copyOf(back);
    return this;
  }

  /**
   * Sets the closed list of types by the class names that Spring Kafka and Spring AMQP write to the
   * header {@code __TypeId__}. It stands for {@code type(header("__TypeId__")).types(types)}. A
   * record of a collection, with {@code __ContentTypeId__} or {@code __KeyTypeId__}, has an unknown
   * type. No class is loaded.
   *
   * @param types class name or id to type, as in {@link #types}; default none
   * @return this
   */
  public PlainFormatBuilder springTypes(Map<String, String> types) {
    types(types);
    this.spring = true;
    return type(ValueSource.header(SpringFormat.TYPE_ID));
  }

  /**
   * Sets the source of the message's source. Source and id together are the identity.
   *
   * @param source where it stands; default the bound name of the destination
   * @return this
   */
  public PlainFormatBuilder source(ValueSource source) {
    this.source = Objects.requireNonNull(source, "source");
    return this;
  }

  /**
   * Sets the source of the id. It must be the same for each delivery of a record, and differ for
   * each message of one source.
   *
   * @param source where it stands; default the id that the adapter assigns. A record in which it is
   *     not found is a dead letter, unless the source ends with {@code or(assignedId())}
   * @return this
   */
  public PlainFormatBuilder id(ValueSource source) {
    this.id = Objects.requireNonNull(source, "source");
    return this;
  }

  /**
   * Sets the source of the ordering key. A key in the body is read on the thread that takes records
   * from the broker, which costs more there than the record's key.
   *
   * @param source where it stands; default the key of the record
   * @return this
   */
  public PlainFormatBuilder key(ValueSource source) {
    this.key = Objects.requireNonNull(source, "source");
    return this;
  }

  /**
   * Sets the source of the time: as in RFC 3339, or as milliseconds since 1970.
   *
   * @param source where it stands; default none
   * @return this
   */
  public PlainFormatBuilder time(ValueSource source) {
    this.time = Objects.requireNonNull(source, "source");
    return this;
  }

  /**
   * Sets the source of the correlation id.
   *
   * @param source where it stands; default none
   * @return this
   */
  public PlainFormatBuilder correlationId(ValueSource source) {
    this.correlationId = Objects.requireNonNull(source, "source");
    return this;
  }

  /**
   * Sets the type of tombstones, the records of Kafka without a body. The id of a tombstone is the
   * assigned one if its source is the body, and its key the record's key. A message of this type is
   * written without a body; one that has a body is refused.
   *
   * @param type the type, 1 to 128 characters. By default a tombstone has an unknown type
   * @return this
   */
  public PlainFormatBuilder tombstone(String type) {
    this.tombstone = Checks.printable("tombstone", type, 128);
    return this;
  }

  /**
   * Builds the format.
   *
   * @return the format
   * @throws IllegalStateException if the type is not set
   * @throws IllegalArgumentException if a path in the body is malformed, there is no body reader
   *     for it, or the type is set although the body names it
   */
  public MessageFormat build() {
    if (frame == null) {
      Checks.given("type", type);
    } else {
      Checks.check(type == null, "type", String.valueOf(type), "none, as the schema id names it");
    }
    return new MappedFormat(this);
  }
}
