package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * A message: attributes, headers and a body of bytes. It has no destination, so the same message
 * can be published, parked and redriven. Immutable; cheap to pass between threads.
 *
 * <p>The attributes are those of CloudEvents 1.0 with extensions; {@code CloudEventsEnvelope} fixes
 * the wire form. The setters of {@link Builder} state the limits of what is published. Events of
 * other programs may have a longer or non-ASCII id, type, source, subject, content type,
 * correlation, causation or idempotency key. They are received as they are, see {@link
 * #violation()}.
 *
 * <pre>{@code
 * Message message =
 *     Message.builder("order.placed")
 *         .key("customer-7")
 *         .contentType("application/json")
 *         .body("{\"orderId\":\"o-1\"}".getBytes(StandardCharsets.UTF_8))
 *         .build();
 * }</pre>
 */
public final class Message {

  /** Maximum total size of header names and values, in UTF-16 characters. */
  public static final int MAX_HEADER_CHARS = 32 * 1024;

  private static final int MAX_SHOWN_CHARS = 128;

  private final MessageAttributes attributes;

  private Message(MessageAttributes attributes) {
    this.attributes = attributes;
  }

  /**
   * Makes a message of attributes that were received; for envelopes.
   *
   * @param attributes source of the message's attributes
   * @return the message
   */
  public static Message of(MessageAttributes attributes) {
    return new Message(Objects.requireNonNull(attributes, "attributes"));
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

  /** {@return a builder with all attributes of this message, including the id} */
  public Builder toBuilder() {
    return new Builder(attributes);
  }

  /**
   * Returns the id. It is unique among the messages of one {@link #source()}; {@link #identity()}
   * distinguishes messages of all sources.
   *
   * @return 1 to 128 printable ASCII characters, a UUIDv7 unless set; any text from other programs
   */
  public String id() {
    return attributes.id();
  }

  /** {@return the logical type, for example {@code order.placed}} */
  public String type() {
    return attributes.type();
  }

  /** {@return the version of the type's schema, 1 or more} */
  public int version() {
    return attributes.version();
  }

  /** {@return the producer, a URI reference such as {@code /orders}} */
  public String source() {
    return attributes.source();
  }

  /**
   * Returns the identity of the message: source and id together, as CloudEvents defines it. Two
   * messages with equal identities are the same message, whatever else differs. Dead letters,
   * audits and, if the application has set no {@link #idempotencyKey()}, inboxes use it.
   *
   * @return {@code <id> <source>}, or {@code sha256:<digest>} where that would be longer than 400
   *     characters; stored, stable
   */
  public String identity() {
    return MessageIdentity.of(id(), source());
  }

  /**
   * Returns the text under which an inbox enters this message: the idempotency key that the
   * application has set, whatever the source, or else the {@link #identity()}. A key never equals
   * an identity.
   *
   * @return at most 400 characters; stored, stable
   */
  public String inboxKey() {
    String key = attributes.idempotencyKey();
    return key == null ? identity() : MessageIdentity.ofIdempotencyKey(key);
  }

  /**
   * Returns the ordering key. Messages of one key are handled one at a time and in order. Messages
   * without a key have no order.
   *
   * <p>A received key that is a text by the rule of {@link Builder#key} is that text. Any other one
   * has a text form that is equal only for equal bytes: {@code hex:<bytes>} for at most 64 bytes,
   * also for none, and else {@code sha256:<digest>}. The form is a key by the rule, so that it can
   * be the key of another message.
   *
   * @return the key, or empty
   */
  public Optional<String> key() {
    return Optional.ofNullable(attributes.key());
  }

  /** {@return the subject of the message in the producer's terms, or empty} */
  public Optional<String> subject() {
    return Optional.ofNullable(attributes.subject());
  }

  /**
   * {@return the time at which the message was made, or empty; informative, never used for order or
   * leases}
   */
  public Optional<Instant> time() {
    return Optional.ofNullable(attributes.time());
  }

  /** {@return the media type of the body; default {@code application/octet-stream}} */
  public String contentType() {
    return attributes.contentType();
  }

  /** {@return a copy of the body; an empty array for an empty body} */
  public byte[] body() {
    byte[] copy = new byte[attributes.bodyLength()];
    attributes.bodyBuffer().get(copy);
    return copy;
  }

  /** {@return a read-only view of the body, not copied} */
  public ByteBuffer bodyView() {
    return attributes.bodyBuffer().asReadOnlyBuffer();
  }

  /** {@return the length of the body in bytes} */
  public int bodyLength() {
    return attributes.bodyLength();
  }

  /**
   * Returns the body in place, for codecs. It is not copied, even if it is part of a received
   * record. The caller must not change it.
   *
   * @return new buffer backed by an accessible array, from its position to its limit
   */
  public ByteBuffer sharedBodyBuffer() {
    return attributes.bodyBuffer();
  }

  /**
   * Returns the body as an array, for adapters that need one. The caller must not change it.
   *
   * @return the body's own array; a copy, made once, if it is part of a received record
   */
  public byte[] sharedBody() {
    return attributes.body();
  }

  /** {@return the application's headers in the order of setting; unmodifiable} */
  public Map<String, String> headers() {
    return attributes.headers();
  }

  /**
   * {@return the id that the messages of one conversation have in common, for example the saga id;
   * or empty}
   */
  public Optional<String> correlationId() {
    return Optional.ofNullable(attributes.correlationId());
  }

  /**
   * {@return the id of the message that caused this one, on a reply the id of the request; or
   * empty}
   */
  public Optional<String> causationId() {
    return Optional.ofNullable(attributes.causationId());
  }

  /** {@return the {@code traceparent} value of the W3C trace context, or empty} */
  public Optional<String> traceparent() {
    return Optional.ofNullable(attributes.traceparent());
  }

  /**
   * {@return the {@code tracestate} value of the W3C trace context, or empty; present only with a
   * {@link #traceparent()}}
   */
  public Optional<String> tracestate() {
    return Optional.ofNullable(attributes.tracestate());
  }

  /** {@return the time after which handling is useless, or empty if the message never expires} */
  public Optional<Instant> expiry() {
    return Optional.ofNullable(attributes.expiry());
  }

  /**
   * Returns whether the expiry is also the deadline of the calls that the handler makes, because
   * the message was built by {@link Builder#withinCallDeadline}. An ordinary expiry only decides
   * whether handling begins.
   *
   * @return whether it is; false without an expiry
   */
  public boolean expiresWithCall() {
    return attributes.expiresWithCall();
  }

  /**
   * Returns the time before which the message must not be delivered. Only an outbox, or a transport
   * that declares delayed delivery, accepts it.
   *
   * @return the time, or empty
   */
  public Optional<Instant> deliverAt() {
    return Optional.ofNullable(attributes.deliverAt());
  }

  /**
   * Returns the key under which the message takes effect once, if the application has set one.
   * Messages with equal keys have one effect, whatever their ids and sources.
   *
   * @return the key, or empty if the {@link #identity()} decides
   */
  public Optional<String> idempotencyKey() {
    return Optional.ofNullable(attributes.idempotencyKey());
  }

  /**
   * Returns why this message can't be published as it is. A message of a {@link Builder} whose
   * values were all set can be published. A message of another program, or a copy of it, may have
   * an attribute that the setters of the builder refuse; set it anew in a copy to publish that. For
   * transports and stores.
   *
   * @return the attribute and its rule; empty if the message can be published
   */
  public Optional<String> violation() {
    return attributes instanceof BuiltAttributes built && built.followsRules()
        ? Optional.empty()
        : Builder.violationOf(attributes);
  }

  /** {@return id, type and size for logs, of long ones the beginning; never headers or body} */
  @Override
  public String toString() {
    return "Message{id="
        + shown(id())
        + ", type="
        + shown(type())
        + ", bytes="
        + bodyLength()
        + "}";
  }

  private static String shown(String text) {
    return text.length() <= MAX_SHOWN_CHARS ? text : text.substring(0, MAX_SHOWN_CHARS) + "...";
  }

  /**
   * Collects the attributes of a message. Not thread-safe. It can build several messages; each
   * {@link #build()} without an explicit id draws a new one.
   */
  public static final class Builder {
    private static final byte[] EMPTY = new byte[0];
    private static final Map<String, String> NONE = Map.of();
    private static final Pattern TRACEPARENT =
        Pattern.compile("00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}");

    private static final Pattern HEADER_NAME = Pattern.compile("[a-z0-9][a-z0-9._-]{0,99}");

    @Nullable String id;
    String type;
    int version = 1;
    String source = "/";
    @Nullable String key;
    @Nullable String subject;
    @Nullable Instant time;
    String contentType = "application/octet-stream";
    byte[] body = EMPTY;
    Map<String, String> headers = NONE;
    @Nullable String correlationId;
    @Nullable String causationId;
    @Nullable String traceparent;
    @Nullable String tracestate;
    @Nullable Instant expiry;

    /** Whether {@link #expiry} is that of a copied message which expires with its call. */
    boolean expiresWithCall;

    boolean withinCallDeadline;
    @Nullable Instant deliverAt;
    @Nullable String idempotencyKey;

    /** Whether every value was set here, or copied from a message of which that is true. */
    boolean followsRules = true;

    private Builder(String type) {
      this.type = Checks.printable("type", type, 128);
    }

    private Builder(MessageAttributes other) {
      this.followsRules = other instanceof BuiltAttributes built && built.followsRules();
      this.id = other.id();
      this.type = other.type();
      this.version = other.version();
      this.source = other.source();
      this.key = other.key();
      this.subject = other.subject();
      this.time = other.time();
      this.contentType = other.contentType();
      this.body = other.body();
      this.correlationId = other.correlationId();
      this.causationId = other.causationId();
      this.traceparent = other.traceparent();
      this.tracestate = other.tracestate();
      this.expiry = other.expiry();
      this.expiresWithCall = other.expiresWithCall();
      this.deliverAt = other.deliverAt();
      this.idempotencyKey = other.idempotencyKey();
      if (!other.headers().isEmpty()) {
        this.headers = new LinkedHashMap<>(other.headers());
      }
    }

    /**
     * Sets the id, unique among the messages of one source.
     *
     * @param id 1 to 128 printable ASCII characters without spaces; by default {@link #build()}
     *     draws a UUIDv7
     * @return this
     */
    public Builder id(String id) {
      this.id = Checks.printable("id", id, 128);
      return this;
    }

    /**
     * Sets the version of the type's schema.
     *
     * @param version 1 to 1,000,000; default 1
     * @return this
     */
    public Builder version(int version) {
      this.version = Checks.inRange("version", version, 1, 1_000_000);
      return this;
    }

    /**
     * Sets the producer. A transport or an outbox configured with a source replaces the default
     * {@code /} by it.
     *
     * @param source URI reference, 1 to 256 characters without control characters; default {@code
     *     /}
     * @return this
     */
    public Builder source(String source) {
      this.source = Checks.text("source", source, 1, 256);
      return this;
    }

    /**
     * Sets the ordering key: messages of one key are handled one at a time and in order.
     *
     * @param key 1 to 256 characters without control characters; default none
     * @return this
     */
    public Builder key(String key) {
      this.key = Checks.text("key", key, 1, 256);
      return this;
    }

    /**
     * Sets the subject of the message in the producer's terms.
     *
     * @param subject 1 to 256 characters without control characters; default none
     * @return this
     */
    public Builder subject(String subject) {
      this.subject = Checks.text("subject", subject, 1, 256);
      return this;
    }

    /**
     * Sets the time at which the message was made. Informative only.
     *
     * @param time years 0001 to 9999; default none
     * @return this
     */
    public Builder time(Instant time) {
      this.time = Checks.instant("time", time);
      return this;
    }

    /**
     * Sets the media type of the body.
     *
     * @param contentType 1 to 256 characters without control characters; default {@code
     *     application/octet-stream}
     * @return this
     */
    public Builder contentType(String contentType) {
      this.contentType = Checks.text("contentType", contentType, 1, 256);
      return this;
    }

    /**
     * Sets the body to a copy of an array.
     *
     * @param body the bytes; default empty. Transports limit the size: {@link
     *     MessageTransport#maxMessageBytes()}
     * @return this
     */
    public Builder body(byte[] body) {
      this.body = body.clone();
      return this;
    }

    /**
     * Sets the body to the array itself, for codecs and adapters that made the array and no longer
     * use it.
     *
     * @param body the bytes, not copied; must not be changed afterwards; default empty
     * @return this
     */
    public Builder sharedBody(byte[] body) {
      this.body = Objects.requireNonNull(body, "body");
      return this;
    }

    /**
     * Sets a header and replaces an earlier value of that name. All headers together have at most
     * {@value Message#MAX_HEADER_CHARS} characters. Default none.
     *
     * @param name 1 to 100 of {@code a-z0-9._-}, starting with a letter or digit; names that start
     *     with {@code commslib-}, {@code ce_} or {@code cloudevents}, and {@code content-type},
     *     {@code traceparent} and {@code tracestate}, are reserved
     * @param value up to 8,192 characters without control characters
     * @return this
     */
    public Builder header(String name, String value) {
      checkHeaderName(name);
      Checks.check(!isReserved(name), "header", name, "a name the library does not reserve");
      if (headers == NONE) {
        headers = new LinkedHashMap<>();
      }
      headers.put(name, Checks.text("header " + name, value, 0, 8_192));
      return this;
    }

    /**
     * Sets the id that the messages of one conversation have in common.
     *
     * @param correlationId 1 to 128 printable ASCII characters; default none
     * @return this
     */
    public Builder correlationId(String correlationId) {
      this.correlationId = Checks.printable("correlationId", correlationId, 128);
      return this;
    }

    /**
     * Sets the id of the message that caused this one.
     *
     * @param causationId 1 to 128 printable ASCII characters; default none
     * @return this
     */
    public Builder causationId(String causationId) {
      this.causationId = Checks.printable("causationId", causationId, 128);
      return this;
    }

    /**
     * Marks this message as a consequence of {@code cause}: the causation id is its id, the
     * correlation id is its correlation id (or its id), and the trace is continued. An id of
     * another program that breaks the rule of {@link #causationId} is replaced by {@code
     * sha256:<digest>}, the same for equal ids.
     *
     * <p>What is published while a message is handled gets the same values without this call, see
     * {@link CallTrail}. It is for messages that another one causes, and for batches.
     *
     * @param cause the message being handled
     * @return this
     */
    public Builder causedBy(Message cause) {
      this.causationId = MessageIdentity.ofReference(cause.id());
      this.correlationId = MessageIdentity.ofReference(cause.correlationId().orElse(cause.id()));
      this.traceparent = cause.traceparent().orElse(null);
      this.tracestate = cause.tracestate().orElse(null);
      return this;
    }

    /**
     * Sets the W3C trace context.
     *
     * @param traceparent 55 characters, version 00; default none
     * @return this
     */
    public Builder traceparent(String traceparent) {
      this.traceparent =
          Checks.matches("traceparent", traceparent, TRACEPARENT, "00-<32 hex>-<16 hex>-<2 hex>");
      return this;
    }

    /**
     * Sets the W3C trace state, which vendors add to a trace. Published with a {@link #traceparent}
     * only.
     *
     * @param tracestate 1 to 512 characters without control characters; default none
     * @return this
     */
    public Builder tracestate(String tracestate) {
      this.tracestate = Checks.text("tracestate", tracestate, 1, 512);
      return this;
    }

    /**
     * Sets the time after which handling is useless. A subscription then dead-letters or drops the
     * message.
     *
     * @param expiry years 0001 to 9999; default none
     * @return this
     */
    public Builder expiry(Instant expiry) {
      this.expiry = Checks.instant("expiry", expiry);
      this.expiresWithCall = false;
      return this;
    }

    /**
     * Lets the message expire with the call within which it is built, for a question whose late
     * answer is useless. {@link #build()} reads the deadline of {@link
     * io.commslib.core.call.CallContext#current()} and makes it the {@link #expiry}, unless that is
     * earlier. The handler of the message then has that time for its own calls too. Without such a
     * deadline this has no effect.
     *
     * <p>The deadline is read by {@link #build()} and not when the message is published: what an
     * outbox sends later keeps the deadline of the call that wrote it.
     *
     * @return this; by default a message outlives the call that publishes it
     */
    public Builder withinCallDeadline() {
      this.withinCallDeadline = true;
      return this;
    }

    /**
     * Sets the time before which the message must not be delivered. Requires an outbox, or a
     * transport that declares delayed delivery.
     *
     * @param deliverAt years 0001 to 9999; default none
     * @return this
     */
    public Builder deliverAt(Instant deliverAt) {
      this.deliverAt = Checks.instant("deliverAt", deliverAt);
      return this;
    }

    /**
     * Removes the delivery time, for stores that have waited for it themselves.
     *
     * @return this
     */
    public Builder withoutDeliverAt() {
      this.deliverAt = null;
      return this;
    }

    /**
     * Sets the key under which the message takes effect once, whatever its id and source.
     *
     * @param idempotencyKey 1 to 128 printable ASCII characters; by default the {@link
     *     Message#identity()} decides
     * @return this
     */
    public Builder idempotencyKey(String idempotencyKey) {
      this.idempotencyKey = Checks.printable("idempotencyKey", idempotencyKey, 128);
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
      return new Message(new BuiltAttributes(this));
    }

    /** Sets every attribute that a received message may have against the rules. */
    private static Optional<String> violationOf(MessageAttributes from) {
      try {
        Builder copy = new Builder(from.type()).id(from.id()).source(from.source());
        set(from.key(), copy::key);
        set(from.subject(), copy::subject);
        copy.contentType(from.contentType());
        set(from.correlationId(), copy::correlationId);
        set(from.causationId(), copy::causationId);
        set(from.traceparent(), copy::traceparent);
        set(from.tracestate(), copy::tracestate);
        set(from.idempotencyKey(), copy::idempotencyKey);
        from.headers().forEach(copy::header);
        copy.build();
        return Optional.empty();
      } catch (IllegalArgumentException e) {
        return Optional.of(String.valueOf(e.getMessage()));
      }
    }

    private static void set(@Nullable String value, Consumer<String> setter) {
      if (value != null) {
        setter.accept(value);
      }
    }

    private static boolean isReserved(String name) {
      return name.startsWith("commslib-")
          || name.startsWith("ce_")
          || name.startsWith("cloudevents")
          || name.equals("content-type")
          || name.equals("traceparent")
          || name.equals("tracestate");
    }

    private static void checkHeaderName(String name) {
      Objects.requireNonNull(name, "header");
      boolean good = !name.isEmpty() && name.length() <= 100;
      for (int i = 0; good && i < name.length(); i++) {
        char c = name.charAt(i);
        boolean mark = i > 0 && (c == '.' || c == '_' || c == '-');
        good = mark || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      }
      if (!good) {
        Checks.matches("header", name, HEADER_NAME, "1..100 of a-z 0-9 . _ -");
      }
    }
  }
}
