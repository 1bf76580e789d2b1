package io.commslib.core.messaging;

import io.commslib.core.checks.Utf8;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A header of a record, as its broker has it.
 *
 * @param name its name, in any case
 * @param value the value: a {@code byte[]} that is not copied and must not be changed, or a typed
 *     value of AMQP ({@code String}, {@code Number}, {@code Boolean}, {@code java.util.Date},
 *     {@code java.util.List}, {@code java.util.Map}, or a {@code java.nio.ByteBuffer} for binary);
 *     null if the header has none
 */
public record RecordHeader(String name, @Nullable Object value) {

  /**
   * Checks the name.
   *
   * @param name its name, in any case
   * @param value the value, or null
   */
  public RecordHeader {
    Objects.requireNonNull(name, "name");
  }

  /**
   * Returns the value as text.
   *
   * @return the text of a string, of bytes in UTF-8, of a number or of a boolean; empty for any
   *     other value and for bytes that are not valid UTF-8
   */
  public Optional<String> text() {
    if (value instanceof byte[] bytes) {
      String text = Utf8.decode(bytes);
      return Utf8.isValid(bytes, text) ? Optional.of(text) : Optional.empty();
    }
    return value instanceof String || value instanceof Number || value instanceof Boolean
        ? Optional.of(value.toString())
        : Optional.empty();
  }

  /**
   * Returns the value as bytes.
   *
   * @return the bytes, or those of a string in UTF-8; empty for any other value
   */
  public Optional<byte[]> bytes() {
    if (value instanceof byte[] bytes) {
      return Optional.of(bytes);
    }
    return value instanceof String text
        ? Optional.of(text.getBytes(StandardCharsets.UTF_8))
        : Optional.empty();
  }

  /** Omits the value, which must not appear in logs. */
  @Override
  public String toString() {
    return "RecordHeader[" + name + "]";
  }
}
