package io.commslib.rabbit;

import com.rabbitmq.client.LongString;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.core.wire.OrderingKeys;
import io.commslib.core.wire.WireMessage;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Ordering key of a record: its attribute {@code partitionkey}, which may have any bytes. */
final class RabbitKeys {

  private static final String KEY = CloudEventsEnvelope.AMQP_PREFIX + "partitionkey";

  private RabbitKeys() {}

  /** {@return the key as a text that is equal only for equal keys, null if there is no key} */
  static @Nullable String laneKey(WireMessage wire) {
    Map<String, Object> headers =
        wire.origin(RabbitOrigin.class)
            .map(origin -> origin.properties().getHeaders())
            .orElse(null);
    Object key = headers == null ? null : headers.get(KEY);
    if (key instanceof LongString bytes) {
      return OrderingKeys.of(bytes.getBytes());
    }
    return isText(key) ? OrderingKeys.of(key.toString()) : null;
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
