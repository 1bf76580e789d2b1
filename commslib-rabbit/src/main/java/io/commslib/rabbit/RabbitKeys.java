package io.commslib.rabbit;

import com.rabbitmq.client.LongString;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.OrderingKeys;
import io.commslib.core.wire.CloudEventsEnvelope;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Ordering key of a record: its attribute {@code partitionkey}, which may have any bytes. */
final class RabbitKeys {

  static final String KEY = CloudEventsEnvelope.AMQP_PREFIX + "partitionkey";

  private RabbitKeys() {}

  /** {@return the key as a text that is equal only for equal keys, null if there is no key} */
  static @Nullable String laneKey(ForeignRecord wire) {
    return wire.key().map(OrderingKeys::of).orElse(null);
  }

  /** {@return the bytes of the key, null if there is no key} */
  static byte @Nullable [] bytes(Map<String, Object> headers) {
    Object key = headers.get(KEY);
    if (key instanceof LongString text) {
      return text.getBytes();
    }
    return isText(key) ? key.toString().getBytes(StandardCharsets.UTF_8) : null;
  }

  /** {@return the key as shown by a message, null if there is none or it is not text} */
  static @Nullable String messageKey(Map<String, Object> headers) {
    Object key = headers.get(KEY);
    if (key instanceof LongString bytes) {
      return OrderingKeys.text(bytes.getBytes(), OrderingKeys.of(bytes.getBytes()));
    }
    return isText(key) ? key.toString() : null;
  }

  private static boolean isText(@Nullable Object key) {
    return key instanceof CharSequence || key instanceof Number || key instanceof Boolean;
  }
}
