package io.commslib.core.spi;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A message as it travels: key, headers as text, body. Adapters map it to and from their client's
 * record. Immutable; the body array is shared and must not be changed.
 *
 * @since 0.1
 */
public final class WireMessage {

  private final @Nullable String key;
  private final Map<String, String> headers;
  private final byte[] body;

  /**
   * Creates a wire message.
   *
   * @param key ordering key, or null
   * @param headers all headers, the envelope's included
   * @param body not copied
   */
  public WireMessage(@Nullable String key, Map<String, String> headers, byte[] body) {
    this.key = key;
    this.headers = Collections.unmodifiableMap(new LinkedHashMap<>(headers));
    this.body = Objects.requireNonNull(body, "body");
  }

  /**
   * Returns the ordering key.
   *
   * @return the key, or empty
   */
  public Optional<String> key() {
    return Optional.ofNullable(key);
  }

  /**
   * Returns all headers.
   *
   * @return unmodifiable, in wire order
   */
  public Map<String, String> headers() {
    return headers;
  }

  /**
   * Returns the body.
   *
   * @return the array itself
   */
  public byte[] body() {
    return body;
  }

  /**
   * Returns the size for in-flight bounds: body plus headers.
   *
   * @return bytes, headers counted as one byte a character
   */
  public int sizeBytes() {
    int size = body.length;
    for (Map.Entry<String, String> header : headers.entrySet()) {
      size += header.getKey().length() + header.getValue().length();
    }
    return size;
  }

  /**
   * Returns a copy with other headers.
   *
   * @param replacement all headers of the copy
   * @return new wire message
   */
  public WireMessage withHeaders(Map<String, String> replacement) {
    return new WireMessage(key, replacement, body);
  }
}
