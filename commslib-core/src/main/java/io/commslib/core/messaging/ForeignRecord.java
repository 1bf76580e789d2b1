package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A record as its broker has it: key, headers, body, and what the broker adds. A {@link
 * MessageFormat} reads messages from records and writes messages as records, and adapters map it to
 * and from their client's record. Immutable; thread-safe. Arrays are shared and must not be
 * changed.
 *
 * <p>Headers have two views. {@link #headers()} has all of them with their values as received.
 * {@link #texts()} has the first one of each name, as text; it omits headers without a value and,
 * on AMQP, those that are neither text nor number nor boolean.
 *
 * <p>Headers for which {@link #isReserved} is true belong to the library. {@link #headers()} omits
 * them, so that a record has the same headers before and after it was a dead letter.
 */
public final class ForeignRecord {

  /** Prefix of the library's own headers. */
  public static final String RESERVED_PREFIX = "commslib-";

  /** Header with the assigned id of a record that was deferred or is or was a dead letter. */
  public static final String RECORD_ID = RESERVED_PREFIX + "record-id";

  /**
   * Header in which a connector of Debezium writes the column {@code headers} of an outbox row. The
   * library never writes it, so it is a header as those of other programs.
   */
  public static final String ROW_HEADERS = RESERVED_PREFIX + "headers";

  private final @Nullable String keyText;
  private final HeaderTexts texts;

  /** The array that contains the body, possibly as a section of a received record. */
  private final byte[] array;

  private final int offset;
  private final int length;
  private byte @Nullable [] body;
  private final @Nullable RecordOrigin origin;

  /**
   * Creates a record.
   *
   * @param key ordering key, or null
   * @param headers all headers, including the envelope's; copied unless {@link HeaderTexts}
   * @param body the body, not copied
   */
  public ForeignRecord(@Nullable String key, Map<String, String> headers, byte[] body) {
    this.keyText = key;
    this.texts = HeaderTexts.copyOf(headers);
    this.array = Objects.requireNonNull(body, "body");
    this.offset = 0;
    this.length = body.length;
    this.body = body;
    this.origin = null;
  }

  /**
   * Creates a record whose body is a section of a received record.
   *
   * @param key ordering key, or null
   * @param headers all headers, including the envelope's; copied unless {@link HeaderTexts}
   * @param body the body from position to limit; not copied if backed by an accessible array
   */
  public ForeignRecord(@Nullable String key, Map<String, String> headers, ByteBuffer body) {
    this(key, headers, body, null);
  }

  /**
   * Creates a record with the record it was read from. When the adapter writes the record again, as
   * a dead letter or redriven, it takes from this origin everything that texts can't represent,
   * such as the bytes of a key, repeated headers or the broker's own properties.
   *
   * @param key ordering key, or null
   * @param headers all headers, including the envelope's; copied unless {@link HeaderTexts}
   * @param body the body from position to limit; not copied if backed by an accessible array
   * @param origin the other parts of the record
   */
  public ForeignRecord(
      @Nullable String key,
      Map<String, String> headers,
      ByteBuffer body,
      @Nullable RecordOrigin origin) {
    this.keyText = key;
    this.origin = origin;
    this.texts = HeaderTexts.copyOf(headers);
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
   * Returns the key as text.
   *
   * @return the key; empty if there is none, or if it is not a text that a message can have as its
   *     key
   */
  public Optional<String> keyText() {
    return Optional.ofNullable(keyText);
  }

  /**
   * Returns the headers that can be read as text.
   *
   * @return the first header of each name, in the order of the record; unmodifiable
   */
  public HeaderTexts texts() {
    return texts;
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
    return length + texts.length();
  }

  /**
   * Returns a copy with other texts and the same origin. An adapter that writes the copy takes from
   * the origin each header whose text is unchanged or that has no text.
   *
   * @param replacement all headers of the copy
   * @return new record
   */
  public ForeignRecord withTexts(Map<String, String> replacement) {
    return new ForeignRecord(keyText, replacement, bodyBuffer(), origin);
  }

  /**
   * Returns the origin of this record, for adapters.
   *
   * @param <R> type of the origin
   * @param type class of the origin
   * @return the origin, or empty if this has no such origin
   */
  public <R> Optional<R> origin(Class<R> type) {
    return type.isInstance(origin) ? Optional.of(type.cast(origin)) : Optional.empty();
  }

  /**
   * Starts a record, for a format that writes one and for the tests of a format.
   *
   * @return builder of a record without key, headers and body
   */
  public static Builder builder() {
    return new Builder();
  }

  private ForeignRecord(Builder builder) {
    byte[] known = builder.body == null ? new byte[0] : builder.body;
    this.keyText =
        builder.key == null ? null : OrderingKeys.text(builder.key, OrderingKeys.of(builder.key));
    this.texts = texts(builder.headers);
    this.array = known;
    this.offset = 0;
    this.length = known.length;
    this.body = known;
    this.origin = new BuiltRecord(builder);
  }

  private static HeaderTexts texts(List<RecordHeader> headers) {
    HeaderTexts.Builder texts = HeaderTexts.builder(headers.size());
    for (RecordHeader header : headers) {
      if (header.value() instanceof byte[] bytes) {
        texts.add(header.name(), bytes);
      } else {
        header.text().ifPresent(text -> texts.add(header.name(), text));
      }
    }
    return texts.build();
  }

  /**
   * Returns whether a header belongs to the library. Adapters show it only in records that the
   * library alone can have written.
   *
   * @param headerName name of a header, as in the record
   * @return whether it has the reserved prefix and is not {@value #ROW_HEADERS}
   */
  public static boolean isReserved(String headerName) {
    return headerName.startsWith(RESERVED_PREFIX) && !headerName.equals(ROW_HEADERS);
  }

  /**
   * Returns the bytes of the key.
   *
   * @return the key as received, not copied; empty if the record has none
   */
  public Optional<byte[]> key() {
    if (origin != null) {
      return Optional.ofNullable(origin.key());
    }
    return keyText().map(text -> text.getBytes(StandardCharsets.UTF_8));
  }

  /**
   * Returns all headers but those of the library.
   *
   * @return the headers in their order, including repeated ones; unmodifiable
   */
  public List<RecordHeader> headers() {
    List<RecordHeader> shown = new ArrayList<>();
    if (origin == null) {
      for (int i = 0; i < texts.size(); i++) {
        shown.add(new RecordHeader(texts.name(i), texts.raw(i)));
      }
    } else {
      shown.addAll(origin.headers());
    }
    shown.removeIf(header -> isReserved(header.name()));
    return Collections.unmodifiableList(shown);
  }

  /** {@return whether the record has a body, possibly an empty one; false for a tombstone} */
  public boolean hasBody() {
    return origin == null || origin.hasBody();
  }

  /** {@return the exchange to which the record was published; empty on Kafka} */
  public Optional<String> exchange() {
    return origin == null ? Optional.empty() : Optional.ofNullable(origin.exchange());
  }

  /** {@return the routing key with which the record was published; empty on Kafka} */
  public Optional<String> routingKey() {
    return origin == null ? Optional.empty() : Optional.ofNullable(origin.routingKey());
  }

  /**
   * Returns the properties of AMQP that the record has: {@code content-type, content-encoding,
   * correlation-id, reply-to, expiration, message-id, type, user-id, app-id, cluster-id} as {@code
   * String}, {@code delivery-mode, priority} as {@code Integer}, {@code timestamp} as {@code
   * java.time.Instant}.
   *
   * @return the properties by their names; empty on Kafka; unmodifiable
   */
  public Map<String, Object> properties() {
    return origin == null ? Map.of() : origin.properties();
  }

  /** {@return the position of the record; empty on RabbitMQ and for a record to be written} */
  public Optional<RecordPosition> position() {
    return origin == null ? Optional.empty() : Optional.ofNullable(origin.position());
  }

  /**
   * Returns the name to which the record's destination is bound: the topic on Kafka, the exchange
   * or the queue on RabbitMQ. It is the same for a redriven record.
   *
   * @return the name; empty text for a record to be written
   */
  public String boundName() {
    return origin == null ? "" : origin.boundName();
  }

  /**
   * Returns the id for a message whose format finds none in the record. It is the same for each
   * delivery of the record on Kafka, where it consists of the topic's id, the partition and the
   * offset. On RabbitMQ each first delivery has a new one. The record keeps it through deferred
   * retries, dead letter and redrive.
   *
   * @return the id; empty unless {@link MessageFormat#alwaysFindsId()} of the destination's format
   *     is false
   */
  public Optional<String> assignedId() {
    // An adapter shows the header only where the library alone writes.
    String kept = texts.get(RECORD_ID);
    return kept != null || origin == null
        ? Optional.ofNullable(kept)
        : Optional.ofNullable(origin.assignedId());
  }

  /** Omits key, headers and body, which must not appear in logs. */
  @Override
  public String toString() {
    return "ForeignRecord[headers=" + texts.size() + ", bytes=" + length + "]";
  }

  /** Collects the parts of a record. Not thread-safe. */
  public static final class Builder {
    byte @Nullable [] key;
    final List<RecordHeader> headers = new ArrayList<>();
    byte @Nullable [] body;
    @Nullable String exchange;
    @Nullable String routingKey;
    final Map<String, Object> properties = new LinkedHashMap<>();
    @Nullable RecordPosition position;
    String boundName = "";
    @Nullable String assignedId;

    private Builder() {}

    /**
     * Sets the key.
     *
     * @param key its bytes, not copied; default none
     * @return this
     */
    public Builder key(byte[] key) {
      this.key = Objects.requireNonNull(key, "key");
      return this;
    }

    /**
     * Sets the key.
     *
     * @param key its text, written in UTF-8; default none
     * @return this
     */
    public Builder key(String key) {
      return key(key.getBytes(StandardCharsets.UTF_8));
    }

    /**
     * Adds a header; one of the same name stays.
     *
     * @param name its name, at least one character; default none. A name that {@link #isReserved}
     *     is refused
     * @param value its value, of a type that {@link RecordHeader#value()} lists; Kafka writes
     *     strings, numbers and booleans as text in UTF-8 and refuses other types
     * @return this
     * @throws IllegalArgumentException if the name is empty or reserved
     */
    public Builder header(String name, @Nullable Object value) {
      Checks.check(
          !name.isEmpty() && !isReserved(name),
          "header",
          Checks.shorten(name),
          "a name that does not begin with " + RESERVED_PREFIX);
      headers.add(new RecordHeader(name, value));
      return this;
    }

    /**
     * Sets the body.
     *
     * @param body the body, not copied; default none, as in a tombstone
     * @return this
     */
    public Builder body(byte[] body) {
      this.body = Objects.requireNonNull(body, "body");
      return this;
    }

    /**
     * Sets a property of AMQP; Kafka ignores it.
     *
     * @param name a name of {@link ForeignRecord#properties()}; default none
     * @param value a value of the type that is described there
     * @return this
     */
    public Builder property(String name, Object value) {
      properties.put(Objects.requireNonNull(name, "name"), Objects.requireNonNull(value, "value"));
      return this;
    }

    /**
     * Sets the address to which the record was published, for tests; an adapter writes its own.
     *
     * @param exchange name of the exchange, empty for the default exchange; default none
     * @param routingKey routing key
     * @return this
     */
    public Builder publishedTo(String exchange, String routingKey) {
      this.exchange = Objects.requireNonNull(exchange, "exchange");
      this.routingKey = Objects.requireNonNull(routingKey, "routingKey");
      return this;
    }

    /**
     * Sets the position, for tests; an adapter writes its own.
     *
     * @param position position in a log; default none
     * @return this
     */
    public Builder position(RecordPosition position) {
      this.position = Objects.requireNonNull(position, "position");
      return this;
    }

    /**
     * Sets the name to which the destination is bound, for tests; an adapter writes its own.
     *
     * @param boundName the name; default empty
     * @return this
     */
    public Builder boundName(String boundName) {
      this.boundName = Objects.requireNonNull(boundName, "boundName");
      return this;
    }

    /**
     * Sets the id for a message whose format finds none, for tests; an adapter assigns its own.
     *
     * @param assignedId the id; default none
     * @return this
     */
    public Builder assignedId(String assignedId) {
      this.assignedId = Objects.requireNonNull(assignedId, "assignedId");
      return this;
    }

    /** {@return the record; the builder may be used further} */
    public ForeignRecord build() {
      return new ForeignRecord(this);
    }
  }
}
