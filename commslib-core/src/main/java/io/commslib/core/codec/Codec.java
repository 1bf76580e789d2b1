package io.commslib.core.codec;

import io.commslib.core.CodecException;
import java.nio.ByteBuffer;

/**
 * Encodes values as bytes and decodes them. Users implement it or use a codec module. Thread-safe.
 */
public interface Codec {

  /** {@return the media type that this codec writes, for example {@code application/json}} */
  String contentType();

  /**
   * Encodes a value.
   *
   * @param value the value
   * @return new array
   * @throws CodecException if the value can't be encoded
   */
  byte[] encode(Object value);

  /**
   * Decodes a value. The caller chooses the class; nothing in the bytes can change it.
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
   * Decodes a value from bytes in place. The default copies the bytes first; codecs that can read a
   * section of an array override it.
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
