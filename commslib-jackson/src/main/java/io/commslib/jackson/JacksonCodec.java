package io.commslib.jackson;

import io.commslib.core.CodecException;
import io.commslib.core.Failures;
import io.commslib.core.checks.Checks;
import io.commslib.core.codec.Codec;
import java.nio.ByteBuffer;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.StreamWriteConstraints;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.core.exc.StreamConstraintsException;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.cfg.DateTimeFeature;
import tools.jackson.databind.cfg.JsonNodeFeature;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.jsontype.BasicPolymorphicTypeValidator;

/**
 * Writes and reads values as JSON in UTF-8. Records, beans, collections, {@code java.time} and
 * types annotated for Jackson are supported.
 *
 * <p>Reading accepts exactly one value of the requested class. It refuses anything after the value,
 * a {@code null}, a number written as text, and a fraction in place of a whole number. Unknown
 * properties are ignored, so that senders may add properties. Absent properties are accepted, so
 * that readers may add properties; an absent primitive is 0 or false. Depth and lengths are
 * limited, also in unknown properties. The bytes can't name a class to load: default typing is off,
 * and types whose annotations require class names in the JSON are refused.
 *
 * <p>Writing produces decimals without exponent, times and durations as ISO 8601 text with their
 * offset, and refuses values nested deeper than the reading limit.
 *
 * <p>Immutable, thread-safe. A codec owns a mapper and is expensive to create; share it.
 */
public final class JacksonCodec implements Codec {

  /** Default of {@link Builder#maxDepth}: {@value}. */
  public static final int DEFAULT_MAX_DEPTH = 200;

  /** Default of {@link Builder#maxStringChars}: {@value}. */
  public static final int DEFAULT_MAX_STRING_CHARS = 4 * 1024 * 1024;

  /** Default of {@link Builder#maxNumberChars}: {@value}. */
  public static final int DEFAULT_MAX_NUMBER_CHARS = 200;

  /** Default of {@link Builder#maxNameChars}: {@value}. */
  public static final int DEFAULT_MAX_NAME_CHARS = 1_000;

  private static final String UNWRITABLE = "COMMS-JACKSON-001";
  private static final String OVER_LIMIT = "COMMS-JACKSON-002";
  private static final String UNREADABLE = "COMMS-JACKSON-003";

  /** Matches the actual and the allowed size in the parser's text. */
  private static final Pattern EXCEEDED =
      Pattern.compile("\\((\\d+)\\) exceeds the maximum allowed \\((\\d+)[,)]");

  /** The parser's names of the limits, with the names of our settings. */
  private static final Map<String, String> SETTINGS =
      Map.of(
          "getMaxNestingDepth", "maxDepth",
          "getMaxStringLength", "maxStringChars",
          "getMaxNumberLength", "maxNumberChars",
          "getMaxNameLength", "maxNameChars");

  private final JsonMapper mapper;

  private JacksonCodec(Builder builder) {
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(builder.maxDepth)
                    .maxStringLength(builder.maxStringChars)
                    .maxNumberLength(builder.maxNumberChars)
                    .maxNameLength(builder.maxNameChars)
                    .build())
            .streamWriteConstraints(
                StreamWriteConstraints.builder().maxNestingDepth(builder.maxDepth).build())
            .build();
    JsonMapper.Builder settings =
        JsonMapper.builder(factory)
            .enable(StreamWriteFeature.WRITE_BIGDECIMAL_AS_PLAIN)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
            .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
            .disable(DateTimeFeature.WRITE_DATES_AS_TIMESTAMPS)
            .disable(DateTimeFeature.WRITE_DURATIONS_AS_TIMESTAMPS)
            .disable(DateTimeFeature.ADJUST_DATES_TO_CONTEXT_TIME_ZONE)
            // Allows no class: only logical names may select a subtype.
            .polymorphicTypeValidator(BasicPolymorphicTypeValidator.builder().build());
    if (JacksonVersions.refusesAbsentPrimitives()) {
      settings.addModule(AbsentPrimitives.module());
    }
    mapper = settings.build();
    JacksonVersions.probe(mapper);
  }

  /**
   * Returns a codec with the default limits.
   *
   * @return new codec
   * @throws CodecException as {@link Builder#build}
   */
  public static JacksonCodec create() {
    return builder().build();
  }

  /**
   * Starts a codec with limits that differ from the defaults.
   *
   * @return new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  @Override
  public String contentType() {
    return "application/json";
  }

  /**
   * Writes a value.
   *
   * @throws CodecException {@code COMMS-JACKSON-001} if its class can't be written, an accessor
   *     throws, or it is nested deeper than the limit or in itself; the text has no content
   */
  @Override
  public byte[] encode(Object value) {
    Objects.requireNonNull(value, "value");
    try {
      return mapper.writeValueAsBytes(value);
    } catch (JacksonException e) {
      throw new CodecException(
          UNWRITABLE, "can't write " + value.getClass().getName() + location(e) + limit(e), null);
    }
  }

  /**
   * Reads a value.
   *
   * @throws CodecException {@code COMMS-JACKSON-002} if a limit is exceeded, {@code
   *     COMMS-JACKSON-003} if the bytes are not exactly one value of the class, also for {@code
   *     null} and for no bytes; the text has the location of the fault and no content
   */
  @Override
  public <T> T decode(byte[] bytes, Class<T> type) {
    Objects.requireNonNull(bytes, "bytes");
    Objects.requireNonNull(type, "type");
    return decode(ByteBuffer.wrap(bytes), type);
  }

  /**
   * Reads a value without copying its bytes.
   *
   * @throws CodecException as {@link #decode(byte[], Class)}
   */
  @Override
  public <T> T decode(ByteBuffer bytes, Class<T> type) {
    Objects.requireNonNull(bytes, "bytes");
    Objects.requireNonNull(type, "type");
    return decode(bytes, type, mapper.readerFor(type));
  }

  /** Reads any JSON within the limits; numbers keep all digits. */
  JsonNode tree(byte[] bytes) {
    return decode(ByteBuffer.wrap(bytes), JsonNode.class, treeReader());
  }

  /** As {@link #tree}, but refuses a property that occurs twice in its object. */
  JsonNode strictTree(ByteBuffer bytes) {
    return decode(
        bytes, JsonNode.class, treeReader().with(StreamReadFeature.STRICT_DUPLICATE_DETECTION));
  }

  private ObjectReader treeReader() {
    return mapper
        .readerFor(JsonNode.class)
        .with(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
        .without(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES);
  }

  /** A parser within the limits that refuses a property that occurs twice in its object. */
  JsonParser strictParser(ByteBuffer bytes) {
    return mapper
        .reader()
        .with(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
        .createParser(bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
  }

  CodecException unreadable(ByteBuffer bytes, JacksonException e) {
    String code = isOverLimit(e) ? OVER_LIMIT : UNREADABLE;
    return new CodecException(
        code,
        "can't read JSON from " + bytes.remaining() + " bytes" + location(e) + limit(e),
        null);
  }

  CodecException unreadable(ByteBuffer bytes, String why) {
    return new CodecException(
        UNREADABLE, "can't read " + why + " in " + bytes.remaining() + " bytes", null);
  }

  private static <T> T decode(ByteBuffer bytes, Class<T> type, ObjectReader reader) {
    T value;
    try {
      value =
          reader.readValue(
              bytes.array(), bytes.arrayOffset() + bytes.position(), bytes.remaining());
    } catch (StreamConstraintsException e) {
      throw new CodecException(OVER_LIMIT, reading(bytes, type) + location(e) + limit(e), null);
    } catch (JacksonException e) {
      String code = isOverLimit(e) ? OVER_LIMIT : UNREADABLE;
      throw new CodecException(code, reading(bytes, type) + location(e) + limit(e), null);
    }
    if (value == null) {
      throw new CodecException(UNREADABLE, reading(bytes, type) + ": null", null);
    }
    return value;
  }

  private static boolean isOverLimit(Throwable failure) {
    return Failures.find(failure, StreamConstraintsException.class).isPresent();
  }

  /**
   * Returns the setting to raise, or an empty text. The parser's text about a limit has no content.
   */
  private static String limit(Throwable failure) {
    for (Throwable t : Failures.chain(failure)) {
      if (t instanceof StreamConstraintsException && t.getMessage() != null) {
        for (Map.Entry<String, String> setting : SETTINGS.entrySet()) {
          if (t.getMessage().contains(setting.getKey())) {
            Matcher limit = EXCEEDED.matcher(t.getMessage());
            String rule =
                limit.find()
                    ? limit.group(1) + " (expected: at most " + limit.group(2) + ", "
                    : "too much (expected: ";
            return ", over a limit: " + rule + setting.getValue() + " of JacksonCodec)";
          }
        }
      }
    }
    return "";
  }

  private static String reading(ByteBuffer bytes, Class<?> type) {
    return "can't read " + type.getName() + " from " + bytes.remaining() + " bytes";
  }

  /**
   * Returns the location of a failure. The parser's texts quote content, so neither they nor the
   * exception are passed on. Names of map keys are content too and are left out.
   */
  private static String location(JacksonException e) {
    StringBuilder path = new StringBuilder();
    for (JacksonException.Reference step : e.getPath()) {
      if (step.getPropertyName() == null) {
        path.append('[').append(step.getIndex()).append(']');
      } else {
        path.append('.').append(isMap(step.from()) ? "*" : step.getPropertyName());
      }
    }
    String offset =
        e.getLocation() == null || e.getLocation().getByteOffset() < 0
            ? ""
            : " at byte " + e.getLocation().getByteOffset();
    return (path.isEmpty() ? "" : " at $" + path)
        + offset
        + " ("
        + e.getClass().getSimpleName()
        + ")";
  }

  private static boolean isMap(Object from) {
    return from instanceof Map
        || (from instanceof Class<?> type && Map.class.isAssignableFrom(type));
  }

  /** Collects the limits. Not thread-safe. */
  public static final class Builder {
    private int maxDepth = DEFAULT_MAX_DEPTH;
    private int maxStringChars = DEFAULT_MAX_STRING_CHARS;
    private int maxNumberChars = DEFAULT_MAX_NUMBER_CHARS;
    private int maxNameChars = DEFAULT_MAX_NAME_CHARS;

    private Builder() {}

    /**
     * Sets the maximum nesting of objects and arrays, for reading and writing. The reader recurses:
     * raise it only together with the stack size of the reading threads.
     *
     * @param maxDepth 1 to 1,000; default {@value JacksonCodec#DEFAULT_MAX_DEPTH}
     * @return this
     */
    public Builder maxDepth(int maxDepth) {
      this.maxDepth = Checks.inRange("maxDepth", maxDepth, 1, 1_000);
      return this;
    }

    /**
     * Sets the maximum length of one text in reading.
     *
     * @param maxStringChars 1 to 1,000,000,000 characters; default 4 Mi
     * @return this
     */
    public Builder maxStringChars(int maxStringChars) {
      this.maxStringChars = Checks.inRange("maxStringChars", maxStringChars, 1, 1_000_000_000);
      return this;
    }

    /**
     * Sets the maximum length of one number in reading. The time to read a number grows faster than
     * its length.
     *
     * @param maxNumberChars 1 to 10,000 characters; default {@value
     *     JacksonCodec#DEFAULT_MAX_NUMBER_CHARS}
     * @return this
     */
    public Builder maxNumberChars(int maxNumberChars) {
      this.maxNumberChars = Checks.inRange("maxNumberChars", maxNumberChars, 1, 10_000);
      return this;
    }

    /**
     * Sets the maximum length of a property name or map key in reading.
     *
     * @param maxNameChars 1 to 50,000 characters; default {@value
     *     JacksonCodec#DEFAULT_MAX_NAME_CHARS}
     * @return this
     */
    public Builder maxNameChars(int maxNameChars) {
      this.maxNameChars = Checks.inRange("maxNameChars", maxNameChars, 1, 50_000);
      return this;
    }

    /**
     * Builds the codec and tests it with one value.
     *
     * @return new codec
     * @throws CodecException {@code COMMS-JACKSON-005}, with the versions, if the jars of Jackson
     *     on the class path are incompatible
     */
    public JacksonCodec build() {
      try {
        return new JacksonCodec(this);
      } catch (LinkageError e) {
        throw JacksonVersions.incompatible(e);
      }
    }
  }
}
