package io.commslib.kafka;

import java.nio.ByteBuffer;
import org.apache.kafka.common.header.Headers;
import org.apache.kafka.common.serialization.Deserializer;
import org.jspecify.annotations.Nullable;

/**
 * Reads a body without a copy if possible. A record of a compressed batch has an array of its own.
 * A record of an uncompressed batch shares the array of its fetch: its body is copied, since one
 * waiting record would keep the whole fetch in memory.
 */
final class BodyDeserializer implements Deserializer<ByteBuffer> {

  /** Bytes that an array may contain besides a small body: key, headers, lengths. */
  private static final int OVERHEAD_BYTES = 1_024;

  @Override
  public @Nullable ByteBuffer deserialize(String topic, byte @Nullable [] data) {
    return data == null ? null : ByteBuffer.wrap(data);
  }

  @Override
  public @Nullable ByteBuffer deserialize(
      String topic, Headers headers, @Nullable ByteBuffer data) {
    if (data == null || isAlone(data)) {
      return data;
    }
    byte[] copy = new byte[data.remaining()];
    data.duplicate().get(copy);
    return ByteBuffer.wrap(copy);
  }

  private static boolean isAlone(ByteBuffer data) {
    int length = data.remaining();
    return data.hasArray() && data.array().length - length <= Math.max(OVERHEAD_BYTES, length);
  }
}
