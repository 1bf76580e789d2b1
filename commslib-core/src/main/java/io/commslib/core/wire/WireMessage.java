package io.commslib.core.wire;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A message as it travels: key, headers as text, body. Adapters map it to and from their client's
 * record. Immutable; the body is shared and must not be changed.
 */
public final class WireMessage {

  private final @Nullable String key;
  private final WireHeaders headers;

  /** Holds the body; all of it unless the body lies inside a received record. */
  private final byte[] holder;

  private final int offset;
  private final int length;
  private byte @Nullable [] body;
  private final @Nullable Object origin;

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
    this.holder = Objects.requireNonNull(body, "body");
    this.offset = 0;
    this.length = body.length;
    this.body = body;
    this.origin = null;
  }

  /**
   * Creates a wire message whose body stays where it was received.
   *
   * @param key ordering key, or null
   * @param headers all headers, the envelope's included; copied unless {@link WireHeaders}
   * @param body from position to limit; not copied if it is backed by an accessible array
   */
  public WireMessage(@Nullable String key, Map<String, String> headers, ByteBuffer body) {
    this(key, headers, body, null);
  }

  /**
   * Creates a wire message that knows the record it was read from. What a text can't show, such as
   * the bytes of a key, repeated headers or properties of the broker's own, the adapter takes from
   * there when it writes the record again, as a dead letter or redriven.
   *
   * @param key ordering key, or null
   * @param headers all headers, the envelope's included; copied unless {@link WireHeaders}
   * @param body from position to limit; not copied if it is backed by an accessible array
   * @param origin the client's record, or a part of it; only the adapter that made it reads it
   */
  public WireMessage(
      @Nullable String key, Map<String, String> headers, ByteBuffer body, @Nullable Object origin) {
    this.key = key;
    this.origin = origin;
    this.headers = WireHeaders.copyOf(headers);
    this.length = body.remaining();
    if (body.hasArray()) {
      this.holder = body.array();
      this.offset = body.arrayOffset() + body.position();
    } else {
      this.holder = new byte[length];
      this.offset = 0;
      body.duplicate().get(holder);
    }
    this.body = length == holder.length ? holder : null;
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
   * Returns the body as an array.
   *
   * @return the array itself; a copy, made once, if it lies inside a received record
   */
  public byte[] body() {
    byte[] known = body;
    if (known == null) {
      // Two readers may both do this; their copies are equal.
      known = Arrays.copyOfRange(holder, offset, offset + length);
      body = known;
    }
    return known;
  }

  /**
   * Returns the body where it lies.
   *
   * @return new buffer backed by an accessible array, from position to limit; must not be changed
   */
  public ByteBuffer bodyBuffer() {
    return ByteBuffer.wrap(holder, offset, length);
  }

  /**
   * Returns the length of the body.
   *
   * @return bytes
   */
  public int bodyLength() {
    return length;
  }

  /**
   * Returns the size for in-flight bounds: body plus headers. It may change when a received header
   * is read for the first time; where it is added and subtracted again, the caller keeps it.
   *
   * @return bytes; of headers that are text already, one a character
   */
  public int sizeBytes() {
    return length + headers.length();
  }

  /**
   * Returns a copy with other headers and the same origin.
   *
   * @param replacement all headers of the copy
   * @return new wire message
   */
  public WireMessage withHeaders(Map<String, String> replacement) {
    return new WireMessage(key, replacement, bodyBuffer(), origin);
  }

  /**
   * Returns the record this was read from.
   *
   * @param <R> type of the record
   * @param type class of the record
   * @return the record, or empty if this was not read from such a record
   */
  public <R> Optional<R> origin(Class<R> type) {
    return type.isInstance(origin) ? Optional.of(type.cast(origin)) : Optional.empty();
  }
}
