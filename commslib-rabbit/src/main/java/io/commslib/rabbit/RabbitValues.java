package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.LongString;
import io.commslib.core.checks.Utf8;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Converts values of headers and properties between the client's types and those of a record. */
final class RabbitValues {

  private RabbitValues() {}

  /** Converts a received value: text to String, or to bytes if it is not UTF-8. */
  static @Nullable Object shown(@Nullable Object value) {
    if (value instanceof LongString text) {
      byte[] bytes = text.getBytes();
      String decoded = Utf8.decode(bytes);
      return Utf8.isValid(bytes, decoded) ? decoded : bytes;
    }
    if (value instanceof byte[] binary) {
      return ByteBuffer.wrap(binary).asReadOnlyBuffer();
    }
    if (value instanceof Map<?, ?> table) {
      Map<String, Object> shown = new LinkedHashMap<>();
      table.forEach((name, item) -> shown.put(String.valueOf(name), shown(item)));
      return Collections.unmodifiableMap(shown);
    }
    if (value instanceof List<?> list) {
      List<Object> shown = new ArrayList<>();
      list.forEach(item -> shown.add(shown(item)));
      return Collections.unmodifiableList(shown);
    }
    return value;
  }

  /** Converts a value that a format has written. */
  static @Nullable Object written(@Nullable Object value) {
    if (value instanceof byte[] text) {
      return com.rabbitmq.client.impl.LongStringHelper.asLongString(text);
    }
    if (value instanceof ByteBuffer binary) {
      byte[] bytes = new byte[binary.remaining()];
      binary.duplicate().get(bytes);
      return bytes;
    }
    if (value instanceof Map<?, ?> table) {
      Map<String, Object> written = new LinkedHashMap<>();
      table.forEach((name, item) -> written.put(String.valueOf(name), written(item)));
      return written;
    }
    if (value instanceof List<?> list) {
      List<Object> written = new ArrayList<>();
      list.forEach(item -> written.add(written(item)));
      return written;
    }
    return value;
  }

  /** The properties of a received record by their names in AMQP. */
  static Map<String, Object> properties(AMQP.BasicProperties properties) {
    Map<String, Object> shown = new LinkedHashMap<>();
    put(shown, "content-type", properties.getContentType());
    put(shown, "content-encoding", properties.getContentEncoding());
    put(shown, "delivery-mode", properties.getDeliveryMode());
    put(shown, "priority", properties.getPriority());
    put(shown, "correlation-id", properties.getCorrelationId());
    put(shown, "reply-to", properties.getReplyTo());
    put(shown, "expiration", properties.getExpiration());
    put(shown, "message-id", properties.getMessageId());
    Date time = properties.getTimestamp();
    put(shown, "timestamp", time == null ? null : time.toInstant());
    put(shown, "type", properties.getType());
    put(shown, "user-id", properties.getUserId());
    put(shown, "app-id", properties.getAppId());
    put(shown, "cluster-id", properties.getClusterId());
    return Collections.unmodifiableMap(shown);
  }

  private static void put(Map<String, Object> shown, String name, @Nullable Object value) {
    if (value != null) {
      shown.put(name, value);
    }
  }

  /** The properties of a record that a format has written, without headers; always persistent. */
  static AMQP.BasicProperties.Builder properties(Map<String, Object> written) {
    AMQP.BasicProperties.Builder properties =
        new AMQP.BasicProperties.Builder()
            .deliveryMode(RabbitRecords.PERSISTENT)
            .contentType(text(written, "content-type"))
            .contentEncoding(text(written, "content-encoding"))
            .correlationId(text(written, "correlation-id"))
            .replyTo(text(written, "reply-to"))
            .expiration(text(written, "expiration"))
            .messageId(text(written, "message-id"))
            .type(text(written, "type"))
            .userId(text(written, "user-id"))
            .appId(text(written, "app-id"))
            .clusterId(text(written, "cluster-id"));
    if (written.get("priority") instanceof Integer priority) {
      properties.priority(priority);
    }
    if (written.get("timestamp") instanceof Instant time) {
      properties.timestamp(RabbitRecords.timestamp(time));
    }
    return properties;
  }

  private static @Nullable String text(Map<String, Object> written, String name) {
    Object value = written.get(name);
    return value == null ? null : value.toString();
  }
}
