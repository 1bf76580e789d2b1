package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.LongString;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.core.wire.DeadLetterHeaders;
import io.commslib.core.wire.WireHeaders;
import io.commslib.core.wire.WireMessage;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Wire messages to records of RabbitMQ and back. A wire message shows headers that are text,
 * numbers and booleans as text, and the content type; what that can't show is taken from the record
 * it was read from when it is written again.
 *
 * <p>What would make the broker do something to a record that is written again travels in headers
 * {@code commslib-kept-<name>}: {@code CC} and {@code BCC}, which send copies, {@code user-id},
 * which must be the sender's own, and the client's own reply address, which needs a consumer; in
 * letters also {@code expiration}, which would delete the letter, and {@code priority}, which would
 * change the order of letters. The last two are properties again when a letter goes back.
 *
 * <p>Dropped are the number of a publish and the counts that the broker keeps for the queue a
 * record lies in. {@code x-death} and {@code x-first-death-*} say where a record had been before it
 * came, and stay.
 */
final class RabbitRecords {

  private static final String CONTENT_TYPE = "content-type";
  private static final String RESERVED = CloudEventsEnvelope.RESERVED_PREFIX;
  private static final String KEPT = RESERVED + "kept-";
  private static final String KEPT_USER = KEPT + "user-id";
  private static final String KEPT_EXPIRATION = KEPT + "expiration";
  private static final String KEPT_PRIORITY = KEPT + "priority";
  private static final String KEPT_REPLY_TO = KEPT + "reply-to";

  static final String DELIVERY_COUNT = "x-delivery-count";
  private static final Set<String> BROKER_COUNTS = Set.of(DELIVERY_COUNT, "x-acquired-count");
  private static final Set<String> COPY_ROUTES = Set.of("CC", "BCC");
  private static final String DIRECT_REPLY = "amq.rabbitmq.reply-to";

  private static final Pattern NUMBER = Pattern.compile("[0-9]{1,10}");

  /** The longest time to live that the broker takes; it ends the channel for more. */
  private static final long MAX_EXPIRATION_MILLIS = 0xffff_ffffL;

  private static final int PERSISTENT = 2;

  private RabbitRecords() {}

  /**
   * Reads a record.
   *
   * @param trusted whether the library alone can have written it; else its headers {@code
   *     commslib-*} are not shown
   */
  static WireMessage wire(AMQP.BasicProperties properties, byte[] body, boolean trusted) {
    if (trusted) {
      PackedRecord record = PackedRecord.read(properties, body);
      return wire(record.properties(), record.body(), true);
    }
    return wire(properties, java.nio.ByteBuffer.wrap(body), false);
  }

  private static WireMessage wire(
      AMQP.BasicProperties properties, java.nio.ByteBuffer body, boolean trusted) {
    Map<String, Object> table = table(properties);
    WireHeaders.Builder headers = WireHeaders.builder(table.size() + 1);
    if (properties.getContentType() != null) {
      // First, since the first of one name counts.
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
    WireHeaders shown = headers.build();
    return new WireMessage(
        RabbitKeys.messageKey(table), shown, body, new RabbitOrigin(properties, trusted));
  }

  private static Map<String, Object> table(AMQP.BasicProperties properties) {
    return properties.getHeaders() == null ? Map.of() : properties.getHeaders();
  }

  /** Whether a wire message shows it. */
  private static boolean isText(@Nullable Object value) {
    return value instanceof LongString
        || value instanceof CharSequence
        || value instanceof Number
        || value instanceof Boolean;
  }

  private static boolean isHidden(String name, boolean trusted) {
    return BROKER_COUNTS.contains(name)
        || (name.startsWith(RESERVED)
            && (!trusted || name.startsWith(KEPT) || isDropped(name, true)));
  }

  /** Whether a header does not go with a record that is written again. */
  private static boolean isDropped(String name, boolean trusted) {
    return BROKER_COUNTS.contains(name)
        || name.equals(OutgoingRecord.SEQUENCE)
        || name.equals(PackedRecord.LENGTH)
        || (!trusted && name.startsWith(RESERVED));
  }

  /** How much memory the headers take that a wire message does not show. */
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

  /** A message that is published for the first time. */
  static OutgoingRecord message(WireMessage wire, String id) {
    Map<String, Object> headers = new HashMap<>(wire.headers());
    Object contentType = headers.remove(CONTENT_TYPE);
    AMQP.BasicProperties properties =
        new AMQP.BasicProperties.Builder()
            .deliveryMode(PERSISTENT)
            .messageId(id)
            .contentType(contentType == null ? null : contentType.toString())
            .build();
    return new OutgoingRecord(properties, headers, wire.body(), false);
  }

  /** A record on its way to the dead letters. */
  static OutgoingRecord deadLetter(WireMessage wire, String id) {
    RabbitOrigin origin = wire.origin(RabbitOrigin.class).orElse(null);
    if (origin == null) {
      return message(wire, id);
    }
    AMQP.BasicProperties received = origin.properties();
    Map<String, Object> headers = headers(origin, wire.headers());
    putKept(headers, KEPT_EXPIRATION, received.getExpiration());
    putKept(headers, KEPT_PRIORITY, received.getPriority());
    AMQP.BasicProperties properties =
        republishable(received, headers).builder().expiration(null).priority(null).build();
    return new OutgoingRecord(properties, headers, wire.body(), true);
  }

  /** A letter on its way back. */
  static OutgoingRecord redriven(WireMessage wire, String id) {
    RabbitOrigin origin = wire.origin(RabbitOrigin.class).orElse(null);
    if (origin == null) {
      return message(wire, id);
    }
    Map<String, Object> headers = headers(origin, wire.headers());
    AMQP.BasicProperties.Builder properties = republishable(origin.properties(), headers).builder();
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

  /** The properties as they were received, but for what means something to the broker. */
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

  /** Where the headers still say what was received, the values that were received are written. */
  private static Map<String, Object> headers(RabbitOrigin origin, Map<String, String> current) {
    // A letter whose headers were cut keeps only what is shown of it.
    boolean cut = current.containsKey(DeadLetterHeaders.CUT_HEADERS);
    Map<String, Object> written = new HashMap<>();
    Set<String> received = new HashSet<>();
    table(origin.properties())
        .forEach(
            (name, value) -> {
              if (isDropped(name, origin.trusted())) {
                // One of the library's own that bears this name is written below.
                return;
              }
              received.add(name);
              String shown = isText(value) && isShown(origin, name) ? value.toString() : null;
              String now = shown == null ? null : current.get(name);
              if (now != null || (shown == null && !cut)) {
                String to = COPY_ROUTES.contains(name) ? KEPT + name : name;
                written.put(to, shown == null || shown.equals(now) ? value : now);
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

  /** Whether the wire message showed this header of the table. */
  private static boolean isShown(RabbitOrigin origin, String name) {
    boolean behindProperty =
        name.equals(CONTENT_TYPE) && origin.properties().getContentType() != null;
    return !behindProperty && !isHidden(name, origin.trusted());
  }
}
