package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.LongString;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * A record to publish: properties, headers and body. Its publish adds the sequence number as one
 * more header. Checks that the client can write the record before it uses a sequence number.
 * Immutable.
 *
 * @param properties without headers
 * @param headers those of the application and the library
 * @param body not copied
 * @param packable whether only the library reads the record, so that it may be packed if it is too
 *     large
 */
record OutgoingRecord(
    AMQP.BasicProperties properties, Map<String, Object> headers, byte[] body, boolean packable) {

  /** Header with the sequence number of the publish, which identifies a returned message. */
  static final String SEQUENCE = CloudEventsEnvelope.RESERVED_PREFIX + "publish-seq";

  private static final int MAX_SHORT_STRING = 255;

  /** Upper bound of UTF-8 bytes per UTF-16 unit. */
  private static final int BYTES_PER_CHAR = 3;

  /** Upper bound of bytes for type and lengths of a header. */
  private static final int HEADER_OVERHEAD = 16;

  /** Upper bound of bytes for the frame and all properties of at most 255 bytes each. */
  private static final int FIXED_OVERHEAD = 4_096;

  /** Omits headers and body, which must not appear in logs. */
  @Override
  public String toString() {
    return "OutgoingRecord[headers=" + headers.size() + ", bytes=" + body.length + "]";
  }

  /** {@return the properties with all headers and the sequence number of the publish} */
  AMQP.BasicProperties withSequence(long sequence) {
    Map<String, Object> all = new HashMap<>(headers);
    all.put(SEQUENCE, Long.toString(sequence));
    return properties.builder().headers(all).build();
  }

  /**
   * Returns the form of this record whose properties and headers fit in one frame, which AMQP
   * requires: this record, or its packed form.
   *
   * @param frameMax largest frame of the connection in bytes, 0 for no limit
   * @throws IllegalArgumentException with the rule that the record breaks
   */
  OutgoingRecord fitting(int frameMax) {
    Optional<String> violation = violation(frameMax);
    if (violation.isEmpty()) {
      return this;
    }
    OutgoingRecord packed = packable ? PackedRecord.pack(this) : this;
    if (packed == this || packed.violation(frameMax).isPresent()) {
      throw new IllegalArgumentException(violation.get());
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

  /** Fast check that accepts nearly all messages without encoding them. */
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

  /** Encodes the record with the client and checks the size of the result. */
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
