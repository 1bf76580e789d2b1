package io.commslib.core.messaging;

import io.commslib.core.spi.Checks;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A message: attributes, headers and a body of bytes. It does not know where it goes, so the same
 * one can be published, parked and redriven. Immutable; cheap to pass between threads.
 *
 * <p>The attributes are those of CloudEvents 1.0 with extensions; {@link
 * io.commslib.core.spi.CloudEventsEnvelope} fixes the wire form. Limits: see the setters of {@link
 * Builder}.
 *
 * @since 0.1
 */
public final class Message {

  /** Largest total size of header names and values, in UTF-16 characters. */
  public static final int MAX_HEADER_CHARS = 32 * 1024;

  private static final Pattern TEXT_128 = Pattern.compile("[\\x21-\\x7e]{1,128}");
  private static final Pattern HEADER_NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,99}");
  private static final Pattern NO_CONTROLS = Pattern.compile("[^\\p{Cntrl}]*+");

  private final Builder attributes;
  private final Map<String, String> headers;

  private Message(Builder builder) {
    this.attributes = builder;
    this.headers = Collections.unmodifiableMap(builder.headers);
  }

  /**
   * Starts a message of a type.
   *
   * @param type logical name such as {@code order.placed}, never a class name; 1 to 128 printable
   *     ASCII characters
   * @return builder with a new id and an empty body
   */
  public static Builder builder(String type) {
    return new Builder(type);
  }

  /**
   * Starts a copy.
   *
   * @return builder holding all of this message, the id included
   */
  public Builder toBuilder() {
    return new Builder(attributes);
  }

  /**
   * Returns the identity: equal ids are the same message, whatever else differs.
   *
   * @return 1 to 128 printable ASCII characters, a UUIDv7 unless set
   */
  public String id() {
    return Objects.requireNonNull(attributes.id);
  }

  /**
   * Returns the logical type.
   *
   * @return for example {@code order.placed}
   */
  public String type() {
    return attributes.type;
  }

  /**
   * Returns the version of the type's schema.
   *
   * @return 1 or more
   */
  public int version() {
    return attributes.version;
  }

  /**
   * Returns who made it.
   *
   * @return a URI reference such as {@code /orders}
   */
  public String source() {
    return attributes.source;
  }

  /**
   * Returns the ordering key: messages of one key are handled one at a time and in order; without a
   * key there is no order.
   *
   * @return the key, or empty
   */
  public Optional<String> key() {
    return Optional.ofNullable(attributes.key);
  }

  /**
   * Returns what the message is about, in the producer's terms.
   *
   * @return the subject, or empty
   */
  public Optional<String> subject() {
    return Optional.ofNullable(attributes.subject);
  }

  /**
   * Returns when it was made. Informative: never used for order or leases.
   *
   * @return the time, or empty
   */
  public Optional<Instant> time() {
    return Optional.ofNullable(attributes.time);
  }

  /**
   * Returns the media type of the body.
   *
   * @return default {@code application/octet-stream}
   */
  public String contentType() {
    return attributes.contentType;
  }

  /**
   * Returns a copy of the body.
   *
   * @return new array, empty for an empty body
   */
  public byte[] body() {
    return attributes.body.clone();
  }

  /**
   * Returns the body without copying.
   *
   * @return read-only view
   */
  public ByteBuffer bodyView() {
    return ByteBuffer.wrap(attributes.body).asReadOnlyBuffer();
  }

  /**
   * Returns the body's own array, for codecs and adapters that need one. The caller must not change
   * it.
   *
   * @return the array, not a copy
   */
  public byte[] sharedBody() {
    return attributes.body;
  }

  /**
   * Returns the application's headers.
   *
   * @return unmodifiable, in order of setting
   */
  public Map<String, String> headers() {
    return headers;
  }

  /**
   * Returns what ties the messages of one conversation together, for example the saga id.
   *
   * @return the id, or empty
   */
  public Optional<String> correlationId() {
    return Optional.ofNullable(attributes.correlationId);
  }

  /**
   * Returns the id of the message that caused this one; on a reply, the id of the request.
   *
   * @return the id, or empty
   */
  public Optional<String> causationId() {
    return Optional.ofNullable(attributes.causationId);
  }

  /**
   * Returns the W3C trace context.
   *
   * @return the {@code traceparent} value, or empty
   */
  public Optional<String> traceparent() {
    return Optional.ofNullable(attributes.traceparent);
  }

  /**
   * Returns the time after which handling it is useless.
   *
   * @return the time, or empty when it never expires
   */
  public Optional<Instant> expiry() {
    return Optional.ofNullable(attributes.expiry);
  }

  /**
   * Returns the time before which it must not be delivered. Only an outbox or transport that
   * declares delayed delivery accepts it.
   *
   * @return the time, or empty
   */
  public Optional<Instant> deliverAt() {
    return Optional.ofNullable(attributes.deliverAt);
  }

  /**
   * Returns the key under which the effect of this message is done once.
   *
   * @return the key, the id unless set
   */
  public String idempotencyKey() {
    return attributes.idempotencyKey == null ? id() : attributes.idempotencyKey;
  }

  /**
   * Returns id, type and size; never headers or body.
   *
   * @return text for logs
   */
  @Override
  public String toString() {
    return "Message{id=" + id() + ", type=" + type() + ", bytes=" + attributes.body.length + "}";
  }

  /**
   * Collects the parts of a message. Not thread-safe. Can be used for several messages; each {@link
   * #build()} without an explicit id draws a new one.
   *
   * @since 0.1
   */
  public static final class Builder {
    private static final byte[] EMPTY = new byte[0];

    private @Nullable String id;
    private String type;
    private int version = 1;
    private String source = "/";
    private @Nullable String key;
    private @Nullable String subject;
    private @Nullable Instant time;
    private String contentType = "application/octet-stream";
    private byte[] body = EMPTY;
    private Map<String, String> headers = new LinkedHashMap<>();
    private @Nullable String correlationId;
    private @Nullable String causationId;
    private @Nullable String traceparent;
    private @Nullable Instant expiry;
    private @Nullable Instant deliverAt;
    private @Nullable String idempotencyKey;

    private Builder(String type) {
      this.type = Checks.matches("type", type, TEXT_128, "1..128 printable ASCII characters");
    }

    private Builder(Builder other) {
      this.id = other.id;
      this.type = other.type;
      this.version = other.version;
      this.source = other.source;
      this.key = other.key;
      this.subject = other.subject;
      this.time = other.time;
      this.contentType = other.contentType;
      this.body = other.body;
      this.headers = new LinkedHashMap<>(other.headers);
      this.correlationId = other.correlationId;
      this.causationId = other.causationId;
      this.traceparent = other.traceparent;
      this.expiry = other.expiry;
      this.deliverAt = other.deliverAt;
      this.idempotencyKey = other.idempotencyKey;
    }

    /**
     * Sets the identity; without it {@link #build()} draws a UUIDv7.
     *
     * @param id 1 to 128 printable ASCII characters without spaces
     * @return this
     */
    public Builder id(String id) {
      this.id = Checks.matches("id", id, TEXT_128, "1..128 printable ASCII characters");
      return this;
    }

    /**
     * Sets the version of the type's schema.
     *
     * @param version 1 to 1,000,000
     * @return this
     */
    public Builder version(int version) {
      this.version = Checks.inRange("version", version, 1, 1_000_000);
      return this;
    }

    /**
     * Sets who made it.
     *
     * @param source URI reference, 1 to 256 characters without control characters
     * @return this
     */
    public Builder source(String source) {
      this.source = text("source", source, 1, 256);
      return this;
    }

    /**
     * Sets the ordering key.
     *
     * @param key 1 to 256 characters without control characters
     * @return this
     */
    public Builder key(String key) {
      this.key = text("key", key, 1, 256);
      return this;
    }

    /**
     * Sets what the message is about.
     *
     * @param subject 1 to 256 characters without control characters
     * @return this
     */
    public Builder subject(String subject) {
      this.subject = text("subject", subject, 1, 256);
      return this;
    }

    /**
     * Sets when it was made.
     *
     * @param time years 0001 to 9999
     * @return this
     */
    public Builder time(Instant time) {
      this.time = instant("time", time);
      return this;
    }

    /**
     * Sets the media type of the body.
     *
     * @param contentType 1 to 256 characters without control characters
     * @return this
     */
    public Builder contentType(String contentType) {
      this.contentType = text("contentType", contentType, 1, 256);
      return this;
    }

    /**
     * Sets the body to a copy of an array.
     *
     * @param body the bytes
     * @return this
     */
    public Builder body(byte[] body) {
      this.body = body.clone();
      return this;
    }

    /**
     * Sets the body to the array itself, for codecs and adapters that made it and let go of it.
     *
     * @param body the bytes, not copied; must not be changed afterwards
     * @return this
     */
    public Builder sharedBody(byte[] body) {
      this.body = Objects.requireNonNull(body, "body");
      return this;
    }

    /**
     * Sets a header, replacing an earlier value of that name.
     *
     * @param name 1 to 100 of {@code a-z0-9._-}, starting with a letter or digit; names that start
     *     with {@code commslib-}, {@code ce_} or {@code cloudevents}, and {@code content-type} and
     *     {@code traceparent}, are the library's
     * @param value up to 8,192 characters without control characters
     * @return this
     */
    public Builder header(String name, String value) {
      Checks.matches("header", name, HEADER_NAME, "1..100 of a-z 0-9 . _ -");
      Checks.check(!isReserved(name), "header", name, "a name the library does not reserve");
      headers.put(name, text("header " + name, value, 0, 8_192));
      return this;
    }

    /**
     * Sets what ties the messages of one conversation together.
     *
     * @param correlationId 1 to 128 printable ASCII characters
     * @return this
     */
    public Builder correlationId(String correlationId) {
      this.correlationId =
          Checks.matches(
              "correlationId", correlationId, TEXT_128, "1..128 printable ASCII characters");
      return this;
    }

    /**
     * Sets the id of the message that caused this one.
     *
     * @param causationId 1 to 128 printable ASCII characters
     * @return this
     */
    public Builder causationId(String causationId) {
      this.causationId =
          Checks.matches("causationId", causationId, TEXT_128, "1..128 printable ASCII characters");
      return this;
    }

    /**
     * Makes this a consequence of {@code cause}: causation is its id, correlation its correlation
     * (or its id), and the trace goes on.
     *
     * @param cause the message being handled
     * @return this
     */
    public Builder causedBy(Message cause) {
      this.causationId = cause.id();
      this.correlationId = cause.correlationId().orElse(cause.id());
      this.traceparent = cause.traceparent().orElse(null);
      return this;
    }

    /**
     * Sets the W3C trace context.
     *
     * @param traceparent 55 characters, version 00
     * @return this
     */
    public Builder traceparent(String traceparent) {
      this.traceparent =
          Checks.matches("traceparent", traceparent, TRACEPARENT, "00-<32 hex>-<16 hex>-<2 hex>");
      return this;
    }

    /**
     * Sets the time after which handling it is useless.
     *
     * @param expiry years 0001 to 9999
     * @return this
     */
    public Builder expiry(Instant expiry) {
      this.expiry = instant("expiry", expiry);
      return this;
    }

    /**
     * Sets the time before which it must not be delivered.
     *
     * @param deliverAt years 0001 to 9999
     * @return this
     */
    public Builder deliverAt(Instant deliverAt) {
      this.deliverAt = instant("deliverAt", deliverAt);
      return this;
    }

    /**
     * Takes the delivery time out again, for stores that have waited for it themselves.
     *
     * @return this
     */
    public Builder withoutDeliverAt() {
      this.deliverAt = null;
      return this;
    }

    /**
     * Sets the key under which the effect is done once.
     *
     * @param idempotencyKey 1 to 128 printable ASCII characters
     * @return this
     */
    public Builder idempotencyKey(String idempotencyKey) {
      this.idempotencyKey =
          Checks.matches(
              "idempotencyKey", idempotencyKey, TEXT_128, "1..128 printable ASCII characters");
      return this;
    }

    /**
     * Builds the message.
     *
     * @return immutable message
     * @throws IllegalArgumentException if the headers together exceed {@link
     *     Message#MAX_HEADER_CHARS}
     */
    public Message build() {
      int chars = 0;
      for (Map.Entry<String, String> header : headers.entrySet()) {
        chars += header.getKey().length() + header.getValue().length();
      }
      Checks.inRange("headers", chars, 0, MAX_HEADER_CHARS);
      Builder copy = new Builder(this);
      if (copy.id == null) {
        copy.id = MessageIds.next();
      }
      return new Message(copy);
    }

    private static final Instant FIRST_INSTANT = Instant.parse("0001-01-01T00:00:00Z");
    private static final Instant LAST_INSTANT = Instant.parse("9999-12-31T23:59:59Z");
    private static final Pattern TRACEPARENT =
        Pattern.compile("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}");

    private static boolean isReserved(String name) {
      return name.startsWith("commslib-")
          || name.startsWith("ce_")
          || name.startsWith("cloudevents")
          || name.equals("content-type")
          || name.equals("traceparent");
    }

    private static String text(String name, String value, int min, int max) {
      Objects.requireNonNull(value, name);
      if (value.length() < min || value.length() > max) {
        Checks.check(
            false,
            name + " length",
            value.length(),
            String.format(Locale.ROOT, "%d..%d", min, max));
      }
      return Checks.matches(name, value, NO_CONTROLS, "no control characters");
    }

    private static Instant instant(String name, Instant value) {
      Objects.requireNonNull(value, name);
      Checks.check(
          !value.isBefore(FIRST_INSTANT) && value.isBefore(LAST_INSTANT),
          name,
          value,
          "years 0001..9999");
      return value;
    }
  }
}
