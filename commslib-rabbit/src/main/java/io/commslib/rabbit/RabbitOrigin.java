package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import io.commslib.core.messaging.RecordHeader;
import io.commslib.core.messaging.RecordOrigin;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Origin of a received record, with the parts that text can't represent: typed headers, properties
 * and its route.
 *
 * @param received properties as decoded by the client
 * @param trusted whether only the library can have written its headers {@code commslib-*}
 * @param route how the record came to its queue
 * @param assignedId id for a format that finds none; null if none is needed
 */
record RabbitOrigin(
    AMQP.BasicProperties received, boolean trusted, RabbitRoute route, @Nullable String assignedId)
    implements RecordOrigin {

  private static final Map<String, String> KEPT_PROPERTIES =
      Map.of(
          "user-id", RabbitRecords.KEPT_USER,
          "reply-to", RabbitRecords.KEPT_REPLY_TO,
          "expiration", RabbitRecords.KEPT_EXPIRATION,
          "priority", RabbitRecords.KEPT_PRIORITY);

  @Override
  public byte @Nullable [] key() {
    return RabbitKeys.bytes(RabbitRecords.table(received));
  }

  @Override
  public List<RecordHeader> headers() {
    List<RecordHeader> headers = new ArrayList<>();
    RabbitRecords.table(received)
        .forEach(
            (name, value) -> {
              if (!RabbitRecords.isBrokerCount(name)) {
                String shown = RabbitRecords.shownName(name, trusted);
                headers.add(new RecordHeader(shown, RabbitValues.shown(value)));
              }
            });
    return headers;
  }

  @Override
  public boolean hasBody() {
    return true;
  }

  @Override
  public String exchange() {
    return kept(RabbitRecords.KEPT_EXCHANGE, route.exchange());
  }

  @Override
  public String routingKey() {
    return kept(RabbitRecords.KEPT_ROUTING_KEY, route.routingKey());
  }

  /** A redriven record keeps the route of its first publish. */
  private String kept(String header, String current) {
    Object kept = trusted ? RabbitRecords.table(received).get(header) : null;
    return kept == null ? current : kept.toString();
  }

  /** A dead letter or redriven record shows the properties with which it was first published. */
  @Override
  public Map<String, Object> properties() {
    Map<String, Object> shown = RabbitValues.properties(received);
    if (!trusted) {
      return shown;
    }
    Map<String, Object> all = new LinkedHashMap<>(shown);
    Map<String, Object> table = RabbitRecords.table(received);
    KEPT_PROPERTIES.forEach(
        (name, header) -> {
          Object value = RabbitValues.shown(table.get(header));
          if (value instanceof String || value instanceof Integer) {
            all.putIfAbsent(name, value);
          }
        });
    return Collections.unmodifiableMap(all);
  }

  @Override
  public String boundName() {
    return route.boundName();
  }
}
