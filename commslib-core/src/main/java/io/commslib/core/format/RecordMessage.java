package io.commslib.core.format;

import io.commslib.core.CodecException;
import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.HeaderTexts;
import io.commslib.core.messaging.Message;
import java.nio.ByteBuffer;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Makes the message of a received record, for formats. Texts of other programs may be longer than
 * those of {@link Message.Builder}: 1 to 65,536 characters of any kind except control characters.
 *
 * <p>The headers of the message are those headers of the record that fit the rules of {@link
 * Message.Builder#header}, with their names in lower case; the first of several of one name counts,
 * and headers that would exceed {@link Message#MAX_HEADER_CHARS} are omitted. {@code traceparent}
 * and {@code tracestate} are taken from the headers of these names if they are well-formed. A
 * handler reads the other headers by {@code Delivery.record()}. Not thread-safe.
 */
public final class RecordMessage {

  private static final int MAX_CHARS = 64 * 1024;

  final ForeignRecord record;
  @Nullable String id;
  @Nullable String type;
  int version = 1;
  @Nullable String source;
  String contentType = "application/octet-stream";
  @Nullable String key;
  @Nullable String subject;
  @Nullable Instant time;
  @Nullable String correlationId;
  @Nullable String causationId;
  @Nullable Instant expiry;
  @Nullable String idempotencyKey;
  @Nullable ByteBuffer body;
  Set<String> hidden = Set.of();
  HeaderTexts headers;
  @Nullable String traceparent;
  @Nullable String tracestate;
  boolean expiresWithCall;

  private RecordMessage(ForeignRecord record) {
    this.record = record;
    this.source = record.boundName().isEmpty() ? "/" : record.boundName();
    this.headers = record.texts();
    this.traceparent = record.texts().get("traceparent");
    this.tracestate = record.texts().get("tracestate");
  }

  /**
   * Starts the message of a record.
   *
   * @param record the record
   * @return builder with the bound name of the record as its source, and the record's body
   */
  public static RecordMessage of(ForeignRecord record) {
    return new RecordMessage(Objects.requireNonNull(record, "record"));
  }

  /**
   * Sets the id, required.
   *
   * @param id the id; default none
   * @return this
   */
  public RecordMessage id(@Nullable String id) {
    this.id = id;
    return this;
  }

  /**
   * Sets the type, required.
   *
   * @param type the type; default none
   * @return this
   */
  public RecordMessage type(@Nullable String type) {
    this.type = type;
    return this;
  }

  /**
   * Sets the version of the type.
   *
   * @param version 1 to 1,000,000; default 1
   * @return this
   */
  public RecordMessage version(int version) {
    this.version = version;
    return this;
  }

  /**
   * Sets the source.
   *
   * @param source the source; default the bound name of the record, or {@code /} if it has none
   * @return this
   */
  public RecordMessage source(@Nullable String source) {
    this.source = source;
    return this;
  }

  /**
   * Sets the media type of the body.
   *
   * @param contentType the media type; default {@code application/octet-stream}
   * @return this
   */
  public RecordMessage contentType(String contentType) {
    this.contentType = contentType;
    return this;
  }

  /**
   * Sets the ordering key. It must agree with the format's {@code orderingKey}.
   *
   * @param key the key, as {@link io.commslib.core.messaging.OrderingKeys} writes it, or null;
   *     default none
   * @return this
   */
  public RecordMessage key(@Nullable String key) {
    this.key = key;
    return this;
  }

  /**
   * Sets the subject.
   *
   * @param subject the subject, or null; default none
   * @return this
   */
  public RecordMessage subject(@Nullable String subject) {
    this.subject = subject;
    return this;
  }

  /**
   * Sets the time at which the message was made.
   *
   * @param time years 0001 to 9999, or null; default none
   * @return this
   */
  public RecordMessage time(@Nullable Instant time) {
    this.time = time;
    return this;
  }

  /**
   * Sets the id that the messages of one conversation have in common.
   *
   * @param correlationId the id, or null; default none
   * @return this
   */
  public RecordMessage correlationId(@Nullable String correlationId) {
    this.correlationId = correlationId;
    return this;
  }

  /**
   * Sets the id of the message that caused this one.
   *
   * @param causationId the id, or null; default none
   * @return this
   */
  public RecordMessage causationId(@Nullable String causationId) {
    this.causationId = causationId;
    return this;
  }

  /**
   * Sets the time after which handling is useless.
   *
   * @param expiry years 0001 to 9999, or null; default none
   * @return this
   */
  public RecordMessage expiry(@Nullable Instant expiry) {
    this.expiry = expiry;
    return this;
  }

  /**
   * Sets the key under which the message takes effect once.
   *
   * @param idempotencyKey the key, or null; default none
   * @return this
   */
  public RecordMessage idempotencyKey(@Nullable String idempotencyKey) {
    this.idempotencyKey = idempotencyKey;
    return this;
  }

  /**
   * Sets the body.
   *
   * @param body the body from position to limit, backed by an accessible array, not copied; default
   *     the body of the record
   * @return this
   */
  public RecordMessage body(ByteBuffer body) {
    this.body = body;
    return this;
  }

  /**
   * Hides headers that carry attributes, so that they are not headers of the message.
   *
   * @param names names as in the record; default none
   * @return this
   */
  public RecordMessage hide(Set<String> names) {
    if (hidden.isEmpty()) {
      hidden = names;
    } else {
      hidden = new HashSet<>(hidden);
      hidden.addAll(names);
    }
    return this;
  }

  /**
   * Sets the texts from which the headers of the message are taken.
   *
   * @param headers name to text; default the headers of the record
   * @return this
   */
  public RecordMessage headers(Map<String, String> headers) {
    this.headers = HeaderTexts.copyOf(headers);
    return this;
  }

  /**
   * Sets the trace context; one that is malformed is omitted.
   *
   * @param traceparent the trace, or null; default the header {@code traceparent} of the record
   * @return this
   */
  public RecordMessage traceparent(@Nullable String traceparent) {
    this.traceparent = traceparent;
    return this;
  }

  /**
   * Sets the trace state; one that is malformed, or without a trace, is omitted.
   *
   * @param tracestate the state, or null; default the header {@code tracestate} of the record
   * @return this
   */
  public RecordMessage tracestate(@Nullable String tracestate) {
    this.tracestate = tracestate;
    return this;
  }

  /**
   * Sets whether the expiry also limits the calls of the handler.
   *
   * @param expiresWithCall whether it does; default false
   * @return this
   */
  public RecordMessage expiresWithCall(boolean expiresWithCall) {
    this.expiresWithCall = expiresWithCall;
    return this;
  }

  /**
   * Makes the message.
   *
   * @return the message
   * @throws CodecException {@code COMMS-CORE-031} if the id or the type is missing, or a value is
   *     against its rule
   */
  public Message build() {
    try {
      required("id", id);
      required("type", type);
      required("source", source);
      Checks.inRange("version", version, 1, 1_000_000);
      Checks.text("contentType", contentType, 1, MAX_CHARS);
      optional("key", key);
      optional("subject", subject);
      optional("correlationId", correlationId);
      optional("causationId", causationId);
      optional("idempotencyKey", idempotencyKey);
      checkTime("time", time);
      checkTime("expiry", expiry);
    } catch (IllegalArgumentException | DateTimeException e) {
      throw FormatErrors.invalid(String.valueOf(e.getMessage()), e);
    }
    return Message.of(new RecordAttributes(this));
  }

  private static void required(String name, @Nullable String value) {
    Checks.check(value != null, name, "none", "a value in the record");
    optional(name, value);
  }

  private static void optional(String name, @Nullable String value) {
    if (value != null) {
      Checks.text(name, value, 1, MAX_CHARS);
    }
  }

  private static void checkTime(String name, @Nullable Instant value) {
    if (value != null) {
      Checks.instant(name, value);
    }
  }
}
