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
import tools.jackson.core.StreamReadConstraints;
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
 * <p>Reading takes exactly one value of the class asked for: anything after it, a {@code null}, a
 * number given as text, or a fraction where a whole number belongs is refused. Unknown properties
 * are ignored, so that senders may add some. Absent ones are no fault, so that readers may add
 * some: a primitive is then 0 or false. Depth and lengths are bounded, unknown properties included.
 * No class is loaded because the bytes name it: default typing is off, and types whose annotations
 * ask for class names in the JSON are refused.
 *
 * <p>Writing gives decimals without exponent, times and durations in ISO 8601 text with the offset
 * kept, and nothing deeper than can be read back.
 *
 * <p>Immutable, thread-safe. Creating one is expensive (it owns a mapper); share it.
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

  /** How the parser says what is too large, and how large it may be. */
  private static final Pattern EXCEEDED =
      Pattern.compile("\\((\\d+)\\) exceeds the maximum allowed \\((\\d+)[,)]");

  /** What the parser calls a limit, and what we call it. */
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
            // Allows nothing: only logical names may select a subtype.
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
   * Starts a codec with other limits.
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
   * @throws CodecException {@code COMMS-JACKSON-001} if its class can't be written, an accessor of
   *     it throws, or it is nested deeper than the limit or in itself; without content
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
   *     COMMS-JACKSON-003} if the bytes are not exactly one value of the class, {@code null} and no
   *     bytes included; with the place of the fault, without content
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

  /** Reads any JSON within the limits; numbers keep all their digits. */
  JsonNode tree(byte[] bytes) {
    return decode(
        ByteBuffer.wrap(bytes),
        JsonNode.class,
        mapper
            .readerFor(JsonNode.class)
            .with(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .without(JsonNodeFeature.STRIP_TRAILING_BIGDECIMAL_ZEROES));
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

  /** The setting to raise; the parser's message names its own, and quotes no content. */
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
   * Where it failed: the parser's own messages quote content, so neither they nor the exception
   * that carries them go on. Names of map keys are content too and left out.
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
     * Sets how deep objects and arrays may be nested, read and written. The reader recurses: raise
     * it only with the stack of the reading threads.
     *
     * @param maxDepth 1 to 1,000; default {@value JacksonCodec#DEFAULT_MAX_DEPTH}
     * @return this
     */
    public Builder maxDepth(int maxDepth) {
      this.maxDepth = Checks.inRange("maxDepth", maxDepth, 1, 1_000);
      return this;
    }

    /**
     * Sets how long one text may be when read.
     *
     * @param maxStringChars 1 to 1,000,000,000 characters; default 4 Mi
     * @return this
     */
    public Builder maxStringChars(int maxStringChars) {
      this.maxStringChars = Checks.inRange("maxStringChars", maxStringChars, 1, 1_000_000_000);
      return this;
    }

    /**
     * Sets how long one number may be when read; long ones cost time that grows faster than they
     * do.
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
     * Sets how long a property name or map key may be when read.
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
     * Builds the codec, and tries it.
     *
     * @return new codec
     * @throws CodecException {@code COMMS-JACKSON-005} if the jars of Jackson on the class path do
     *     not fit each other, with their versions
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
