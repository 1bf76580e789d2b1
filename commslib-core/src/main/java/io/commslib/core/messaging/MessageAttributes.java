package io.commslib.core.messaging;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Where a {@code Message} has its attributes from: a builder, or a received record that is read as
 * far as somebody asks. Envelopes implement it; every value follows the rules of {@code
 * Message.Builder}. Immutable, thread-safe.
 */
public interface MessageAttributes {

  /**
   * Returns the identity.
   *
   * @return as in {@code Message.id()}
   */
  String id();

  /**
   * Returns the logical type.
   *
   * @return as in {@code Message.type()}
   */
  String type();

  /**
   * Returns the version of the type's schema.
   *
   * @return as in {@code Message.version()}
   */
  int version();

  /**
   * Returns who made it.
   *
   * @return as in {@code Message.source()}
   */
  String source();

  /**
   * Returns the media type.
   *
   * @return as in {@code Message.contentType()}
   */
  String contentType();

  /**
   * Returns the ordering key.
   *
   * @return the key, or null
   */
  @Nullable String key();

  /**
   * Returns what it is about.
   *
   * @return the subject, or null
   */
  @Nullable String subject();

  /**
   * Returns when it was made.
   *
   * @return the time, or null
   */
  @Nullable Instant time();

  /**
   * Returns what ties a conversation together.
   *
   * @return the id, or null
   */
  @Nullable String correlationId();

  /**
   * Returns the id of what caused it.
   *
   * @return the id, or null
   */
  @Nullable String causationId();

  /**
   * Returns the W3C trace context.
   *
   * @return the value, or null
   */
  @Nullable String traceparent();

  /**
   * Returns when it becomes useless.
   *
   * @return the time, or null
   */
  @Nullable Instant expiry();

  /**
   * Returns when it may be delivered.
   *
   * @return the time, or null
   */
  @Nullable Instant deliverAt();

  /**
   * Returns the idempotency key.
   *
   * @return the key, or null if the application has set none
   */
  @Nullable String idempotencyKey();

  /**
   * Returns the application's headers.
   *
   * @return unmodifiable
   */
  Map<String, String> headers();

  /**
   * Returns the body as an array of its own.
   *
   * @return not a copy where it has one; must not be changed
   */
  byte[] body();

  /**
   * Returns the body where it lies, without copying.
   *
   * @return backed by an array, from position to limit; must not be changed
   */
  default ByteBuffer bodyBuffer() {
    return ByteBuffer.wrap(body());
  }

  /**
   * Returns the length of the body.
   *
   * @return bytes
   */
  default int bodyLength() {
    return body().length;
  }
}
