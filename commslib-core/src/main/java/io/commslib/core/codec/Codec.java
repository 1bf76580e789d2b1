package io.commslib.core.codec;

import io.commslib.core.CodecException;
import java.nio.ByteBuffer;

/**
 * Turns values into bytes and back. Users implement it or take one from a codec module.
 * Thread-safe.
 */
public interface Codec {

  /**
   * Returns the media type this codec writes.
   *
   * @return for example {@code application/json}
   */
  String contentType();

  /**
   * Writes a value.
   *
   * @param value what to write
   * @return new array
   * @throws CodecException if it can't be written
   */
  byte[] encode(Object value);

  /**
   * Reads a value. The class is the caller's choice; nothing in the bytes can change it.
   *
   * @param <T> type of the value
   * @param bytes the whole content; not changed, not kept
   * @param type class of the value
   * @return the value, never null
   * @throws CodecException if the bytes are not exactly one value of that class within the codec's
   *     limits
   */
  <T> T decode(byte[] bytes, Class<T> type);

  /**
   * Reads a value where its bytes lie. The default copies them first; codecs that can read a part
   * of an array do without.
   *
   * @param <T> type of the value
   * @param bytes the whole content from position to limit, backed by an accessible array; neither
   *     changed nor kept
   * @param type class of the value
   * @return the value, never null
   * @throws CodecException as {@link #decode(byte[], Class)}
   */
  default <T> T decode(ByteBuffer bytes, Class<T> type) {
    byte[] copy = new byte[bytes.remaining()];
    bytes.duplicate().get(copy);
    return decode(copy, type);
  }
}
