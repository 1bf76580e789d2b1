package io.commslib.core.spi;

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
  private final WireHeaders headers;
  private final byte[] body;
  private int sizeBytes = -1;

  /**
   * Creates a wire message.
   *
   * @param key ordering key, or null
   * @param headers all headers, the envelope's included; copied unless {@link WireHeaders}
   * @param body not copied
   */
  public WireMessage(@Nullable String key, Map<String, String> headers, byte[] body) {
    this.key = key;
    this.headers = WireHeaders.copyOf(headers);
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

  /** Returns the headers as they are. */
  WireHeaders wireHeaders() {
    return headers;
  }

  @Nullable String rawKey() {
    return key;
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
   * @return bytes; of headers that are text already, one a character
   */
  public int sizeBytes() {
    int known = sizeBytes;
    if (known < 0) {
      known = body.length + headers.length();
      sizeBytes = known;
    }
    return known;
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
