package io.commslib.core.wire;

import io.commslib.core.CodecException;
import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.HeaderTexts;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import java.time.DateTimeException;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * The wire form of {@link Message}: CloudEvents 1.0 in binary mode. Each attribute is a header with
 * the transport's prefix ({@code ce_} on Kafka, {@code cloudEvents_} on RabbitMQ). The media type
 * is the header {@code content-type}, the body is unchanged, and application headers keep their own
 * names. Immutable; thread-safe.
 *
 * <p>Attributes: {@code specversion} ({@code 1.0}), {@code id}, {@code source}, {@code type},
 * {@code subject}, {@code time} (RFC 3339). Extensions: {@code partitionkey} (the ordering key),
 * {@code dataversion} (the type's version, omitted if 1), {@code correlationid}, {@code
 * causationid}, {@code traceparent}, {@code tracestate}, {@code expirytime}, {@code
 * expireswithcall} ({@code true}, only with an expiry that limits the handler's calls), {@code
 * deliverat}, {@code idempotencykey} (only if the application has set it). All values are text.
 * Unknown extensions are ignored, so a reader of an older version ignores newer ones.
 */
public final class CloudEventsEnvelope implements MessageFormat {

  /** Prefix of the Kafka protocol binding. */
  public static final String KAFKA_PREFIX = "ce_";

  /** Prefix on RabbitMQ's AMQP 0-9-1, for which CloudEvents has no binding of its own. */
  public static final String AMQP_PREFIX = "cloudEvents_";

  /** Prefix of the library's own headers; never shown to applications. */
  public static final String RESERVED_PREFIX = ForeignRecord.RESERVED_PREFIX;

  /** Header with the number of redrives of a message. */
  public static final String REDRIVE_COUNT = RESERVED_PREFIX + "redrive-count";

  static final String CONTENT_TYPE = "content-type";

  /** A Boolean of CloudEvents; any other value counts as false. */
  static final String TRUE = "true";

  private static final int MAX_VERSION = 1_000_000;

  /** The size that every reader of CloudEvents should accept, here for one attribute. */
  private static final int MAX_CHARS = 64 * 1024;

  private final String prefix;
  private final @Nullable MessageFormat structured;
  private final DefaultSource source;
  private final String lowerPrefix;
  private final String[] names = new String[Attribute.values().length];
  private final Map<String, Attribute> attributes = new HashMap<>();

  /** The last type that was read: most records of a subscription have few types. */
  private volatile String lastType = "";

  /**
   * Creates the envelope of a transport.
   *
   * @param prefix prefix of attribute headers
   */
  public CloudEventsEnvelope(String prefix) {
    this(prefix, null);
  }

  /**
   * Creates the envelope of a transport that also reads structured mode.
   *
   * @param prefix prefix of attribute headers
   * @param structured reads records in structured mode, or null to refuse them
   */
  public CloudEventsEnvelope(String prefix, @Nullable MessageFormat structured) {
    this(prefix, structured, new DefaultSource("envelope " + prefix, DefaultSource.NONE));
  }

  /**
   * Creates the envelope of a component that sends messages with the name of a service as source.
   *
   * @param prefix prefix of attribute headers
   * @param structured reads records in structured mode, or null to refuse them
   * @param source source of messages that were built without one
   */
  public CloudEventsEnvelope(
      String prefix, @Nullable MessageFormat structured, DefaultSource source) {
    this.prefix = Objects.requireNonNull(prefix, "prefix");
    this.structured = structured;
    this.source = Objects.requireNonNull(source, "source");
    this.lowerPrefix = prefix.toLowerCase(Locale.ROOT);
    for (Attribute attribute : Attribute.values()) {
      String name = prefix + attribute.name().toLowerCase(Locale.ROOT);
      names[attribute.ordinal()] = name;
      attributes.put(name, attribute);
    }
  }

  @Override
  public String name() {
    return "CloudEvents (" + prefix + ")";
  }

  @Override
  public boolean alwaysFindsId() {
    return true;
  }

  @Override
  public boolean needs(String headerName) {
    return !isApplications(headerName.toLowerCase(Locale.ROOT));
  }

  /**
   * Writes a message in binary mode.
   *
   * @param message the message
   * @return headers, key and the message's own body array
   */
  @Override
  public ForeignRecord write(Message message) {
    HeaderTexts.Builder headers = HeaderTexts.builder(8 + message.headers().size());
    put(headers, Attribute.SPECVERSION, "1.0");
    put(headers, Attribute.ID, message.id());
    put(headers, Attribute.SOURCE, source.of(message));
    put(headers, Attribute.TYPE, message.type());
    put(headers, Attribute.SUBJECT, message.subject());
    put(headers, Attribute.TIME, message.time());
    String key = message.key().orElse(null);
    if (key != null) {
      put(headers, Attribute.PARTITIONKEY, key);
    }
    if (message.version() != 1) {
      put(headers, Attribute.DATAVERSION, Integer.toString(message.version()));
    }
    put(headers, Attribute.CORRELATIONID, message.correlationId());
    put(headers, Attribute.CAUSATIONID, message.causationId());
    put(headers, Attribute.TRACEPARENT, message.traceparent());
    put(headers, Attribute.TRACESTATE, message.tracestate());
    put(headers, Attribute.EXPIRYTIME, message.expiry());
    if (message.expiresWithCall()) {
      put(headers, Attribute.EXPIRESWITHCALL, TRUE);
    }
    put(headers, Attribute.DELIVERAT, message.deliverAt());
    put(headers, Attribute.IDEMPOTENCYKEY, message.idempotencyKey());
    headers.add(CONTENT_TYPE, message.contentType());
    message.headers().forEach(headers::add);
    return new ForeignRecord(key, headers.build(), message.sharedBody());
  }

  /**
   * Reads a message.
   *
   * <p>A record that is not in binary mode is read by the format of structured mode, if there is
   * one and it {@link MessageFormat#reads} the record. The following rules apply to both modes.
   *
   * <p>Header names are converted to lower case, and the first of several equal names wins. The
   * library's own headers and application headers that break the rules of {@link
   * Message.Builder#header} are omitted, and so are a malformed {@code traceparent} and {@code
   * tracestate}. Attributes of text have 1 to 65,536 characters of any kind except control
   * characters, more than {@link Message.Builder} admits for what is published. A key that {@link
   * Message.Builder#key} does not admit is read in its form of {@link
   * io.commslib.core.messaging.OrderingKeys}. Every other violation fails.
   *
   * @param wire the received record
   * @return the message
   * @throws CodecException {@code COMMS-CORE-021}: not a CloudEvent (no {@code specversion}, or not
   *     1.x); {@code COMMS-CORE-022}: id missing or invalid; {@code COMMS-CORE-023}: another
   *     attribute missing or invalid
   */
  @Override
  public Message read(ForeignRecord wire) {
    HeaderTexts headers = wire.texts();
    int specVersion = find(headers, Attribute.SPECVERSION);
    return specVersion < 0 && structured != null && structured.reads(wire)
        ? structured.read(wire)
        : readBinary(wire);
  }

  private Message readBinary(ForeignRecord wire) {
    HeaderTexts headers = wire.texts();
    int specVersion = find(headers, Attribute.SPECVERSION);
    if (specVersion < 0 || !WireText.startsWithAscii(headers.raw(specVersion), "1.")) {
      throw new CodecException(
          "COMMS-CORE-021",
          prefix
              + "specversion: "
              + (specVersion < 0 ? "none" : Checks.shorten(headers.value(specVersion)))
              + " (expected: 1.0, the header of a CloudEvent in binary mode)",
          null);
    }
    int type = find(headers, Attribute.TYPE);
    if (type < 0) {
      throw new CodecException("COMMS-CORE-023", missing("type"), null);
    }
    try {
      ReceivedAttributes read =
          new ReceivedAttributes(this, wire, id(headers), type(headers, type), check(wire));
      if (headers.length() > Message.MAX_HEADER_CHARS) {
        // Only the application's headers count; building them refuses too many.
        read.headers();
      }
      return Message.of(read);
    } catch (IllegalArgumentException | DateTimeException e) {
      throw new CodecException("COMMS-CORE-023", String.valueOf(e.getMessage()), e);
    }
  }

  private String missing(String attribute) {
    return attribute + ": none (expected: a header " + prefix + attribute + ")";
  }

  /** Checks the id and returns its index in the headers. */
  private int id(HeaderTexts headers) {
    int at = find(headers, Attribute.ID);
    if (at < 0) {
      throw new CodecException("COMMS-CORE-022", missing("id"), null);
    }
    try {
      WireText.checkText("id", headers.raw(at), 1, MAX_CHARS);
      return at;
    } catch (IllegalArgumentException e) {
      throw new CodecException("COMMS-CORE-022", String.valueOf(e.getMessage()), e);
    }
  }

  private String type(HeaderTexts headers, int at) {
    String last = lastType;
    if (WireText.equalsAscii(headers.raw(at), last)) {
      return last;
    }
    WireText.checkText("type", headers.raw(at), 1, MAX_CHARS);
    String type = headers.value(at);
    lastType = type;
    return type;
  }

  /** Checks every attribute, so that none can fail later; returns the version. */
  private int check(ForeignRecord wire) {
    HeaderTexts headers = wire.texts();
    int version = 1;
    for (int i = 0; i < headers.size(); i++) {
      String name = headers.name(i);
      Attribute attribute = name.startsWith(prefix) ? attributes.get(name) : null;
      if (attribute == Attribute.DATAVERSION) {
        version = version(headers.value(i));
      } else if (attribute != null) {
        attribute.check(headers.raw(i));
      } else if (name.equals(CONTENT_TYPE)) {
        WireText.checkText("contentType", headers.raw(i), 1, MAX_CHARS);
      }
    }
    return version;
  }

  private static int version(String text) {
    try {
      return Checks.inRange("version", Integer.parseInt(text), 1, MAX_VERSION);
    } catch (NumberFormatException e) {
      throw new IllegalArgumentException(
          "version: " + Checks.shorten(text) + " (expected: 1.." + MAX_VERSION + ")", e);
    }
  }

  int find(HeaderTexts headers, Attribute attribute) {
    return headers.find(names[attribute.ordinal()]);
  }

  /**
   * Returns whether a header belongs to the application.
   *
   * @param lowerName the header's name in lower case
   * @return whether it is neither an attribute of this envelope nor reserved
   */
  boolean isApplications(String lowerName) {
    return !lowerName.startsWith(lowerPrefix)
        && !lowerName.startsWith(RESERVED_PREFIX)
        && !lowerName.equals(CONTENT_TYPE);
  }

  private void put(HeaderTexts.Builder headers, Attribute attribute, String value) {
    headers.add(names[attribute.ordinal()], value);
  }

  /** Avoids lambdas, which would allocate 200 bytes for each message. */
  private void put(HeaderTexts.Builder headers, Attribute attribute, Optional<?> value) {
    if (value.isPresent()) {
      put(headers, attribute, value.get().toString());
    }
  }

  /** The attributes with their rules. */
  enum Attribute {
    SPECVERSION,
    ID,
    TYPE,
    SOURCE,
    SUBJECT,
    TIME,
    PARTITIONKEY,
    DATAVERSION,
    CORRELATIONID,
    CAUSATIONID,
    TRACEPARENT,
    TRACESTATE,
    EXPIRYTIME,
    EXPIRESWITHCALL,
    DELIVERAT,
    IDEMPOTENCYKEY;

    /** Fails with {@link IllegalArgumentException} or {@link DateTimeException}. */
    void check(Object value) {
      switch (this) {
        case SOURCE -> WireText.checkText("source", value, 1, MAX_CHARS);
        case SUBJECT -> WireText.checkText("subject", value, 1, MAX_CHARS);
        case TIME -> WireText.checkInstant("time", value);
        case EXPIRYTIME -> WireText.checkInstant("expiry", value);
        case DELIVERAT -> WireText.checkInstant("deliverAt", value);
        case CORRELATIONID -> WireText.checkText("correlationId", value, 1, MAX_CHARS);
        case CAUSATIONID -> WireText.checkText("causationId", value, 1, MAX_CHARS);
        case IDEMPOTENCYKEY -> WireText.checkText("idempotencyKey", value, 1, MAX_CHARS);
        default -> {
          // Checked elsewhere. A malformed trace does not make the message invalid, and any bytes
          // can be a key.
        }
      }
    }
  }
}
