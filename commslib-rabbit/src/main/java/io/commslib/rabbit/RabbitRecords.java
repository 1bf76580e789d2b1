package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.LongString;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.HeaderTexts;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.RecordHeader;
import io.commslib.core.messaging.RecordOrigin;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.core.wire.DeadLetterHeaders;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.Collection;
import java.util.Date;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Converts between records and those of the client. A record shows the content type and those
 * headers that are text, numbers or booleans, as text. When a record is published again, the other
 * parts are taken from the record from which it was read.
 *
 * <p>Parts that would trigger an action of the broker when the record is published again are stored
 * in headers {@code commslib-kept-<name>}: {@code CC} and {@code BCC}, which send copies; {@code
 * user-id}, which must be the sender's own; and the client's direct reply address, which requires a
 * consumer. In dead letters also {@code expiration}, which would delete the letter, and {@code
 * priority}, which would change the order of letters; a redrive restores these two properties. If
 * the destination has a format of its own, a dead letter and a redriven record also keep the {@code
 * exchange} and the {@code routing-key} of the first publish, which the format may read.
 *
 * <p>The sequence number of a publish and the broker's delivery counts are dropped. {@code x-death}
 * and {@code x-first-death-*} describe earlier queues of the record and are kept.
 */
final class RabbitRecords {

  private static final String CONTENT_TYPE = "content-type";
  private static final String RESERVED = CloudEventsEnvelope.RESERVED_PREFIX;
  private static final String KEPT = RESERVED + "kept-";
  static final String KEPT_USER = KEPT + "user-id";
  static final String KEPT_EXPIRATION = KEPT + "expiration";
  static final String KEPT_PRIORITY = KEPT + "priority";
  static final String KEPT_REPLY_TO = KEPT + "reply-to";
  static final String KEPT_EXCHANGE = KEPT + "exchange";
  static final String KEPT_ROUTING_KEY = KEPT + "routing-key";

  static final String DELIVERY_COUNT = "x-delivery-count";
  private static final Set<String> BROKER_COUNTS = Set.of(DELIVERY_COUNT, "x-acquired-count");
  private static final Set<String> COPY_ROUTES = Set.of("CC", "BCC");
  private static final String DIRECT_REPLY = "amq.rabbitmq.reply-to";

  private static final Pattern NUMBER = Pattern.compile("[0-9]{1,10}");

  /** Maximum time to live that the broker accepts; it closes the channel for more. */
  private static final long MAX_EXPIRATION_MILLIS = 0xffff_ffffL;

  static final int PERSISTENT = 2;

  private RabbitRecords() {}

  /**
   * Reads a record.
   *
   * @param trusted whether only the library can have written the record; otherwise its headers
   *     {@code commslib-*} are not shown
   * @param route how the record came to its queue
   * @param assignedId id for a format that finds none; null if none is needed
   */
  static ForeignRecord wire(
      AMQP.BasicProperties properties,
      byte[] body,
      boolean trusted,
      RabbitRoute route,
      @Nullable String assignedId) {
    if (trusted) {
      PackedRecord record = PackedRecord.read(properties, body);
      AMQP.BasicProperties packed = DeepHeaders.restored(record.properties());
      return wire(record.body(), new RabbitOrigin(packed, true, route, assignedId));
    }
    AMQP.BasicProperties received = DeepHeaders.restored(properties);
    return wire(ByteBuffer.wrap(body), new RabbitOrigin(received, false, route, assignedId));
  }

  private static ForeignRecord wire(ByteBuffer body, RabbitOrigin origin) {
    AMQP.BasicProperties properties = origin.received();
    boolean trusted = origin.trusted();
    Map<String, Object> table = table(properties);
    HeaderTexts.Builder headers = HeaderTexts.builder(table.size() + 1);
    if (properties.getContentType() != null) {
      // First, since the first header of a name counts.
      headers.add(CONTENT_TYPE, properties.getContentType());
    }
    table.forEach(
        (name, value) -> {
          if (isHidden(name, trusted)) {
            return;
          }
          if (value instanceof LongString text) {
            headers.add(name, text.getBytes());
          } else if (isText(value)) {
            headers.add(name, value.toString());
          }
        });
    HeaderTexts shown = headers.build();
    return new ForeignRecord(RabbitKeys.messageKey(table), shown, body, origin);
  }

  static Map<String, Object> table(AMQP.BasicProperties properties) {
    return properties.getHeaders() == null ? Map.of() : properties.getHeaders();
  }

  /** {@return whether a record shows the value} */
  private static boolean isText(@Nullable Object value) {
    return value instanceof LongString
        || value instanceof CharSequence
        || value instanceof Number
        || value instanceof Boolean;
  }

  private static boolean isHidden(String name, boolean trusted) {
    return BROKER_COUNTS.contains(name)
        || (ForeignRecord.isReserved(name)
            && (!trusted || name.startsWith(KEPT) || isDropped(name, true)));
  }

  /** {@return the name under which a received header is shown: that before it was kept} */
  static String shownName(String name, boolean trusted) {
    return trusted && name.startsWith(KEPT) && COPY_ROUTES.contains(name.substring(KEPT.length()))
        ? name.substring(KEPT.length())
        : name;
  }

  static boolean isBrokerCount(String name) {
    return BROKER_COUNTS.contains(name);
  }

  /** {@return whether a header is dropped when the record is published again} */
  private static boolean isDropped(String name, boolean trusted) {
    return BROKER_COUNTS.contains(name)
        || name.equals(OutgoingRecord.SEQUENCE)
        || name.equals(PackedRecord.LENGTH)
        || (!trusted && ForeignRecord.isReserved(name));
  }

  /** {@return the memory in bytes of the headers that a record does not show} */
  static int hiddenBytes(AMQP.BasicProperties properties) {
    long bytes = 0;
    for (Object value : table(properties).values()) {
      if (!isText(value)) {
        bytes += bytes(value);
      }
    }
    return (int) Math.min(bytes, Integer.MAX_VALUE / 2);
  }

  private static long bytes(@Nullable Object value) {
    long bytes = 16;
    if (value instanceof Map<?, ?> table) {
      for (Map.Entry<?, ?> entry : table.entrySet()) {
        bytes += entry.getKey().toString().length() + bytes(entry.getValue());
      }
    } else if (value instanceof Collection<?> list) {
      for (Object item : list) {
        bytes += bytes(item);
      }
    } else if (value instanceof byte[] array) {
      bytes += array.length;
    } else if (value instanceof LongString text) {
      bytes += text.length();
    }
    return bytes;
  }

  /**
   * Converts a message that is published for the first time. Properties repeat attributes of the
   * envelope for consumers that read no CloudEvents. A format that has written properties of its
   * own gets no others.
   */
  static OutgoingRecord message(ForeignRecord wire, Message message) {
    RecordOrigin origin = wire.origin(RecordOrigin.class).orElse(null);
    if (origin != null) {
      return written(wire, origin);
    }
    OutgoingRecord record = message(wire, message.id());
    AMQP.BasicProperties properties =
        record
            .properties()
            .builder()
            .type(message.type())
            .correlationId(message.correlationId().orElse(null))
            .timestamp(timestamp(message.time().orElse(null)))
            .build();
    return new OutgoingRecord(properties, record.headers(), record.body(), false);
  }

  /** {@return the time in AMQP, which has whole seconds; null before 1970, since it has no sign} */
  static @Nullable Date timestamp(@Nullable Instant time) {
    return time == null || time.getEpochSecond() < 0 ? null : Date.from(time);
  }

  private static OutgoingRecord message(ForeignRecord wire, String id) {
    Map<String, Object> headers = new HashMap<>(wire.texts());
    Object contentType = headers.remove(CONTENT_TYPE);
    AMQP.BasicProperties properties =
        new AMQP.BasicProperties.Builder()
            .deliveryMode(PERSISTENT)
            .messageId(id)
            .contentType(contentType == null ? null : contentType.toString())
            .build();
    return new OutgoingRecord(properties, headers, wire.body(), false);
  }

  /** {@return the record that a format has written} */
  private static OutgoingRecord written(ForeignRecord wire, RecordOrigin origin) {
    Map<String, Object> headers = new HashMap<>();
    for (RecordHeader header : origin.headers()) {
      // A table of AMQP has each name once.
      headers.putIfAbsent(header.name(), RabbitValues.written(header.value()));
    }
    byte[] key = origin.key();
    if (key != null) {
      headers.putIfAbsent(
          RabbitKeys.KEY, com.rabbitmq.client.impl.LongStringHelper.asLongString(key));
    }
    return new OutgoingRecord(
        RabbitValues.properties(origin.properties()).build(), headers, wire.body(), false);
  }

  /** {@return the record of a dead letter} */
  static OutgoingRecord deadLetter(ForeignRecord wire, String id) {
    RabbitOrigin origin = wire.origin(RabbitOrigin.class).orElse(null);
    if (origin == null) {
      return message(wire, id);
    }
    AMQP.BasicProperties received = origin.received();
    Map<String, Object> headers = headers(origin, wire.texts());
    if (origin.route().isKept()) {
      putKept(headers, KEPT_EXCHANGE, origin.exchange());
      putKept(headers, KEPT_ROUTING_KEY, origin.routingKey());
    }
    putKept(headers, KEPT_EXPIRATION, received.getExpiration());
    putKept(headers, KEPT_PRIORITY, received.getPriority());
    AMQP.BasicProperties properties =
        republishable(received, headers).builder().expiration(null).priority(null).build();
    return new OutgoingRecord(properties, headers, wire.body(), true);
  }

  /** {@return the record of a redriven dead letter} */
  static OutgoingRecord redriven(ForeignRecord wire, String id) {
    RabbitOrigin origin = wire.origin(RabbitOrigin.class).orElse(null);
    if (origin == null) {
      return message(wire, id);
    }
    Map<String, Object> headers = headers(origin, wire.texts());
    AMQP.BasicProperties.Builder properties = republishable(origin.received(), headers).builder();
    properties.expiration(expiration(headers.remove(KEPT_EXPIRATION)));
    properties.priority(headers.remove(KEPT_PRIORITY) instanceof Integer number ? number : null);
    return new OutgoingRecord(properties.build(), headers, wire.body(), true);
  }

  private static @Nullable String expiration(@Nullable Object kept) {
    String text = String.valueOf(kept);
    return NUMBER.matcher(text).matches() && Long.parseLong(text) <= MAX_EXPIRATION_MILLIS
        ? text
        : null;
  }

  /** {@return the received properties without those that would trigger an action of the broker} */
  private static AMQP.BasicProperties republishable(
      AMQP.BasicProperties received, Map<String, Object> headers) {
    putKept(headers, KEPT_USER, received.getUserId());
    boolean direct = DIRECT_REPLY.equals(received.getReplyTo());
    putKept(headers, KEPT_REPLY_TO, direct ? DIRECT_REPLY : null);
    AMQP.BasicProperties.Builder properties =
        received.builder().headers(null).deliveryMode(PERSISTENT).userId(null);
    return (direct ? properties.replyTo(null) : properties).build();
  }

  private static void putKept(Map<String, Object> headers, String name, @Nullable Object value) {
    if (value != null) {
      headers.putIfAbsent(name, value);
    }
  }

  /** Restores the received value of every header whose text is unchanged. */
  private static Map<String, Object> headers(RabbitOrigin origin, Map<String, String> current) {
    // A dead letter whose headers were cut keeps only the headers that it shows.
    boolean cut = current.containsKey(DeadLetterHeaders.CUT_HEADERS);
    Map<String, Object> written = new HashMap<>();
    Set<String> received = new HashSet<>();
    table(origin.received())
        .forEach(
            (name, value) -> {
              if (isDropped(name, origin.trusted())) {
                // The library's own header of this name is written below.
                return;
              }
              received.add(name);
              String shown = isText(value) && isShown(origin, name) ? value.toString() : null;
              String shownNow = shown == null ? null : current.get(name);
              if (shownNow != null || (shown == null && !cut)) {
                String to = COPY_ROUTES.contains(name) ? KEPT + name : name;
                written.put(to, shown == null || shown.equals(shownNow) ? value : shownNow);
              }
            });
    current.forEach(
        (name, value) -> {
          if (!name.equals(CONTENT_TYPE) && !received.contains(name)) {
            written.put(name, value);
          }
        });
    return written;
  }

  /** {@return whether the record showed this header} */
  private static boolean isShown(RabbitOrigin origin, String name) {
    boolean behindProperty =
        name.equals(CONTENT_TYPE) && origin.received().getContentType() != null;
    return !behindProperty && !isHidden(name, origin.trusted());
  }
}
