package io.commslib.core.messaging;

import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Source of a message's attributes: a builder, or a received record that is read on demand.
 * Envelopes implement it. Texts of a received record may be longer than the rules of {@code
 * Message.Builder} allow, and not ASCII, but have no control characters and no half of a surrogate
 * pair. The key follows the rule of {@code Message.key()}. Immutable, thread-safe.
 */
public interface MessageAttributes {

  /** {@return the id, as in {@code Message.id()}} */
  String id();

  /** {@return the logical type, as in {@code Message.type()}} */
  String type();

  /** {@return the version of the type's schema, as in {@code Message.version()}} */
  int version();

  /** {@return the producer, as in {@code Message.source()}} */
  String source();

  /** {@return the media type of the body, as in {@code Message.contentType()}} */
  String contentType();

  /** {@return the ordering key, or null} */
  @Nullable String key();

  /** {@return the subject, or null} */
  @Nullable String subject();

  /** {@return the time at which the message was made, or null} */
  @Nullable Instant time();

  /** {@return the id that the messages of one conversation have in common, or null} */
  @Nullable String correlationId();

  /** {@return the id of the message that caused this one, or null} */
  @Nullable String causationId();

  /** {@return the {@code traceparent} value of the W3C trace context, or null} */
  @Nullable String traceparent();

  /** {@return the {@code tracestate} value of the W3C trace context, or null} */
  default @Nullable String tracestate() {
    return null;
  }

  /** {@return the time after which handling is useless, or null} */
  @Nullable Instant expiry();

  /** {@return whether the expiry also limits the calls of the handler} */
  default boolean expiresWithCall() {
    return false;
  }

  /** {@return the time before which the message must not be delivered, or null} */
  @Nullable Instant deliverAt();

  /** {@return the idempotency key, or null if the application has set none} */
  @Nullable String idempotencyKey();

  /** {@return the application's headers; unmodifiable} */
  Map<String, String> headers();

  /** {@return the body as an array of its own, not copied if there is one; must not be changed} */
  byte[] body();

  /**
   * {@return the body in place, not copied; backed by an array, from position to limit; must not be
   * changed}
   */
  default ByteBuffer bodyBuffer() {
    return ByteBuffer.wrap(body());
  }

  /** {@return the length of the body in bytes} */
  default int bodyLength() {
    return body().length;
  }
}
