package io.commslib.jackson;

import io.commslib.core.codec.Codec;
import io.commslib.core.codec.CodecException;
import java.util.Objects;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.core.json.JsonFactory;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * Writes and reads JSON with a mapper of its own: no class is ever chosen by the content, input is
 * bounded, nothing may follow the value, and fields a reader does not know are ignored, so that an
 * older consumer survives a newer producer. Records and plain beans work without annotations;
 * decimals keep their exact value. Thread-safe; expensive to create.
 *
 * <p>Read limits: depth 200, names 1,000 characters, strings 1,000,000, numbers 1,000 digits.
 *
 * @since 0.1
 */
public final class JacksonCodec implements Codec {

  private final JsonMapper mapper;

  private JacksonCodec() {
    JsonFactory factory =
        JsonFactory.builder()
            .streamReadConstraints(
                StreamReadConstraints.builder()
                    .maxNestingDepth(200)
                    .maxNameLength(1_000)
                    .maxStringLength(1_000_000)
                    .maxNumberLength(1_000)
                    .build())
            .enable(StreamWriteFeature.WRITE_BIGDECIMAL_AS_PLAIN)
            .build();
    this.mapper =
        JsonMapper.builder(factory)
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .enable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
            .enable(DeserializationFeature.USE_BIG_DECIMAL_FOR_FLOATS)
            .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
            .build();
  }

  /**
   * Creates a codec.
   *
   * @return new codec
   */
  public static JacksonCodec create() {
    return new JacksonCodec();
  }

  @Override
  public String contentType() {
    return "application/json";
  }

  /**
   * {@inheritDoc}
   *
   * @throws CodecException {@code COMMS-JACKSON-001} if Jackson can't write it
   */
  @Override
  public byte[] encode(Object value) {
    Objects.requireNonNull(value, "value");
    try {
      return mapper.writeValueAsBytes(value);
    } catch (JacksonException e) {
      throw new CodecException("COMMS-JACKSON-001", "can't write " + value.getClass().getName(), e);
    }
  }

  /**
   * {@inheritDoc}
   *
   * @throws CodecException {@code COMMS-JACKSON-002} empty body; {@code COMMS-JACKSON-003}
   *     malformed, over a limit, or not of this class
   */
  @Override
  public <T> T decode(byte[] bytes, Class<T> type) {
    if (bytes.length == 0) {
      throw new CodecException(
          "COMMS-JACKSON-002", "empty body (expected: " + type.getSimpleName() + ")", null);
    }
    T value;
    try {
      value = mapper.readValue(bytes, type);
    } catch (JacksonException e) {
      throw new CodecException(
          "COMMS-JACKSON-003", "malformed " + type.getSimpleName() + place(e), stripped(e));
    }
    if (value == null) {
      throw new CodecException(
          "COMMS-JACKSON-003", "null (expected: " + type.getSimpleName() + ")", null);
    }
    return value;
  }

  private static String place(JacksonException failure) {
    return failure.getLocation() == null ? "" : " at byte " + failure.getLocation().getByteOffset();
  }

  /** Jackson's own text quotes the input; only its class may travel on. */
  private static Throwable stripped(JacksonException failure) {
    RuntimeException cause = new IllegalArgumentException(failure.getClass().getSimpleName());
    cause.setStackTrace(failure.getStackTrace());
    return cause;
  }
}
