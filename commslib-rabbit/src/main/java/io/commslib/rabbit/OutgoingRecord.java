package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.LongString;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What is published: properties, headers and body, and the number of the publish as one more
 * header. Knows whether the client can write it, before it has used up a number. Immutable.
 *
 * @param properties without headers
 * @param headers the application's and the library's
 * @param body not copied
 * @param packable whether only the library reads it, so that it may be packed if it is too large
 */
record OutgoingRecord(
    AMQP.BasicProperties properties, Map<String, Object> headers, byte[] body, boolean packable) {

  /** Names the publish, so that a return can be told from others. Never the application's. */
  static final String SEQUENCE = CloudEventsEnvelope.RESERVED_PREFIX + "publish-seq";

  private static final int MAX_SHORT_STRING = 255;

  /** No character of a text takes more bytes than this for each of its UTF-16 units. */
  private static final int BYTES_PER_CHAR = 3;

  /** More than type and lengths of a header take. */
  private static final int HEADER_OVERHEAD = 16;

  /** More than all properties with short values take, each at most 255 bytes, and the frame. */
  private static final int FIXED_OVERHEAD = 4_096;

  /** Without headers and body, which may hold what logs must not. */
  @Override
  public String toString() {
    return "OutgoingRecord[headers=" + headers.size() + ", bytes=" + body.length + "]";
  }

  /** With the number of the publish. */
  AMQP.BasicProperties withSequence(long sequence) {
    Map<String, Object> all = new HashMap<>(headers);
    all.put(SEQUENCE, Long.toString(sequence));
    return properties.builder().headers(all).build();
  }

  /**
   * Returns what can be written of this within one frame, since AMQP allows no more for properties
   * and headers together: this, or the packed form.
   *
   * @param frameMax largest frame of the connection, 0 for no limit
   * @throws IllegalArgumentException with the rule that it breaks
   */
  OutgoingRecord fitting(int frameMax) {
    Optional<String> objection = violation(frameMax);
    if (objection.isEmpty()) {
      return this;
    }
    OutgoingRecord packed = packable ? PackedRecord.pack(this) : this;
    if (packed == this || packed.violation(frameMax).isPresent()) {
      throw new IllegalArgumentException(objection.get());
    }
    return packed;
  }

  private Optional<String> violation(int frameMax) {
    Optional<String> tooLong =
        tooLong("content type", properties.getContentType())
            .or(() -> tooLong("content encoding", properties.getContentEncoding()))
            .or(() -> tooLong("correlation id", properties.getCorrelationId()))
            .or(() -> tooLong("reply to", properties.getReplyTo()))
            .or(() -> tooLong("expiration", properties.getExpiration()))
            .or(() -> tooLong("message id", properties.getMessageId()))
            .or(() -> tooLong("type", properties.getType()))
            .or(() -> tooLong("app id", properties.getAppId()))
            .or(() -> tooLong("cluster id", properties.getClusterId()));
    if (tooLong.isPresent()) {
      return tooLong;
    }
    return isCertainlySmall(frameMax) ? Optional.empty() : checkByEncoding(frameMax);
  }

  private static Optional<String> tooLong(String name, String value) {
    return value == null || bytes(value) <= MAX_SHORT_STRING
        ? Optional.empty()
        : Optional.of(name + ": " + bytes(value) + " bytes (expected: at most 255 bytes in UTF-8)");
  }

  private static int bytes(String text) {
    return text.length() * BYTES_PER_CHAR <= MAX_SHORT_STRING
        ? text.length()
        : text.getBytes(java.nio.charset.StandardCharsets.UTF_8).length;
  }

  /** True for nearly all messages, without encoding anything. */
  private boolean isCertainlySmall(int frameMax) {
    long most = FIXED_OVERHEAD;
    for (Map.Entry<String, Object> header : headers.entrySet()) {
      long length =
          header.getValue() instanceof String text
              ? (long) text.length() * BYTES_PER_CHAR
              : header.getValue() instanceof LongString bytes ? bytes.length() : -1;
      int name = header.getKey().length() * BYTES_PER_CHAR;
      if (length < 0 || name > MAX_SHORT_STRING) {
        return false;
      }
      most += length + name + HEADER_OVERHEAD;
    }
    return frameMax == 0 || most <= frameMax;
  }

  /** What the client itself says of it, and how large it gets. */
  private Optional<String> checkByEncoding(int frameMax) {
    try {
      int size = withSequence(Long.MAX_VALUE).toFrame(1, body.length).size();
      return frameMax == 0 || size <= frameMax
          ? Optional.empty()
          : Optional.of(
              "headers: "
                  + size
                  + " bytes with properties (expected: at most "
                  + frameMax
                  + ", frame_max of the connection)");
    } catch (IllegalArgumentException e) {
      return Optional.of("headers: " + e.getMessage());
    } catch (IOException | RuntimeException e) {
      return Optional.of("headers: " + e);
    }
  }
}
