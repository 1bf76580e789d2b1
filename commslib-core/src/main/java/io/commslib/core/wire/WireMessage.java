package io.commslib.core.wire;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A message in its wire form: key, headers as text, body. Adapters map it to and from their
 * client's record. Immutable; the body is shared and must not be changed.
 */
public final class WireMessage {

  private final @Nullable String key;
  private final WireHeaders headers;

  /** The array that contains the body, possibly as a section of a received record. */
  private final byte[] array;

  private final int offset;
  private final int length;
  private byte @Nullable [] body;
  private final @Nullable Object origin;

  /**
   * Creates a wire message.
   *
   * @param key ordering key, or null
   * @param headers all headers, including the envelope's; copied unless {@link WireHeaders}
   * @param body the body, not copied
   */
  public WireMessage(@Nullable String key, Map<String, String> headers, byte[] body) {
    this.key = key;
    this.headers = WireHeaders.copyOf(headers);
    this.array = Objects.requireNonNull(body, "body");
    this.offset = 0;
    this.length = body.length;
    this.body = body;
    this.origin = null;
  }

  /**
   * Creates a wire message whose body is a section of a received record.
   *
   * @param key ordering key, or null
   * @param headers all headers, including the envelope's; copied unless {@link WireHeaders}
   * @param body the body from position to limit; not copied if backed by an accessible array
   */
  public WireMessage(@Nullable String key, Map<String, String> headers, ByteBuffer body) {
    this(key, headers, body, null);
  }

  /**
   * Creates a wire message with the record it was read from. When the adapter writes the record
   * again, as a dead letter or redriven, it takes from this origin everything that texts can't
   * represent, such as the bytes of a key, repeated headers or the broker's own properties.
   *
   * @param key ordering key, or null
   * @param headers all headers, including the envelope's; copied unless {@link WireHeaders}
   * @param body the body from position to limit; not copied if backed by an accessible array
   * @param origin the client's record, or a section of it; only the adapter that made it reads it
   */
  public WireMessage(
      @Nullable String key, Map<String, String> headers, ByteBuffer body, @Nullable Object origin) {
    this.key = key;
    this.origin = origin;
    this.headers = WireHeaders.copyOf(headers);
    this.length = body.remaining();
    if (body.hasArray()) {
      this.array = body.array();
      this.offset = body.arrayOffset() + body.position();
    } else {
      this.array = new byte[length];
      this.offset = 0;
      body.duplicate().get(array);
    }
    this.body = length == array.length ? array : null;
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
   * @return the headers in wire order; unmodifiable
   */
  public Map<String, String> headers() {
    return headers;
  }

  /** Returns the headers without the view as a map. */
  WireHeaders wireHeaders() {
    return headers;
  }

  @Nullable String rawKey() {
    return key;
  }

  /**
   * Returns the body as an array.
   *
   * @return the array itself; a copy, made once, if the body is a section of a received record
   */
  public byte[] body() {
    byte[] known = body;
    if (known == null) {
      // A benign race: concurrent readers make equal copies.
      known = Arrays.copyOfRange(array, offset, offset + length);
      body = known;
    }
    return known;
  }

  /**
   * Returns the body in place.
   *
   * @return new buffer backed by an accessible array, from position to limit; must not be changed
   */
  public ByteBuffer bodyBuffer() {
    return ByteBuffer.wrap(array, offset, length);
  }

  /** {@return the length of the body in bytes} */
  public int bodyLength() {
    return length;
  }

  /**
   * Returns the size for in-flight bounds: body plus headers. It may change when a received header
   * is first read, so a caller that adds and later subtracts it must keep the value.
   *
   * @return bytes; headers that are already decoded count one byte per character
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
   * Returns the record from which this was read.
   *
   * @param <R> type of the record
   * @param type class of the record
   * @return the record, or empty if this was not read from such a record
   */
  public <R> Optional<R> origin(Class<R> type) {
    return type.isInstance(origin) ? Optional.of(type.cast(origin)) : Optional.empty();
  }
}
