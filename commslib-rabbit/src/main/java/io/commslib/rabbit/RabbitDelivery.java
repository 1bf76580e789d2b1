package io.commslib.rabbit;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Delivery;
import io.commslib.core.spi.CloudEventsEnvelope;
import io.commslib.core.spi.OrderingKeys;
import io.commslib.core.spi.RawDelivery;
import io.commslib.core.spi.WireMessage;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** A message on its way through the engine; its tag means something on its own channel only. */
final class RabbitDelivery implements RawDelivery {

  private static final String KEY = CloudEventsEnvelope.AMQP_PREFIX + "partitionkey";
  private static final String DELIVERY_COUNT = "x-delivery-count";

  private final Channel channel;
  private final String queue;
  private final long tag;
  private final int priorDeliveries;
  private final WireMessage wire;

  /**
   * @param redrive exchange through which the library alone sends to this queue
   */
  RabbitDelivery(Channel channel, String queue, String redrive, Delivery delivery) {
    this.channel = channel;
    this.queue = queue;
    this.tag = delivery.getEnvelope().getDeliveryTag();
    this.wire =
        wire(
            delivery.getProperties().getHeaders(),
            delivery.getProperties().getContentType(),
            delivery.getBody(),
            redrive.equals(delivery.getEnvelope().getExchange()));
    // On a first delivery the count is what the sender made up; on a later one it is the broker's.
    this.priorDeliveries =
        delivery.getEnvelope().isRedeliver() ? count(delivery.getProperties().getHeaders()) : 0;
  }

  /**
   * Headers as text; what is no text or number, and what the broker adds for itself, is left out,
   * and so are the library's own unless the library alone can have written them.
   */
  static WireMessage wire(
      Map<String, Object> table, String contentType, byte[] body, boolean trusted) {
    Map<String, String> headers = new LinkedHashMap<>();
    if (table != null) {
      table.forEach(
          (name, value) -> {
            boolean plain =
                value instanceof CharSequence
                    || value instanceof Number
                    || value instanceof Boolean
                    || value instanceof com.rabbitmq.client.LongString;
            boolean believed = trusted || !name.startsWith(CloudEventsEnvelope.RESERVED_PREFIX);
            if (plain && believed && !name.startsWith("x-")) {
              headers.put(name, value.toString());
            }
          });
    }
    if (contentType != null) {
      headers.put("content-type", contentType);
    }
    return new WireMessage(headers.get(KEY), headers, body);
  }

  private static int count(Map<String, Object> table) {
    Object count = table == null ? null : table.get(DELIVERY_COUNT);
    return count instanceof Number number
        ? (int) Math.max(0, Math.min(1_000_000, number.longValue()))
        : 0;
  }

  Channel channel() {
    return channel;
  }

  long tag() {
    return tag;
  }

  @Override
  public Object scope() {
    return channel;
  }

  @Override
  public Optional<String> laneKey() {
    return wire.key().map(OrderingKeys::of);
  }

  @Override
  public int sizeBytes() {
    return wire.sizeBytes();
  }

  @Override
  public int priorDeliveries() {
    return priorDeliveries;
  }

  @Override
  public WireMessage wire() {
    return wire;
  }

  @Override
  public String positionText() {
    return queue + "@" + channel.getChannelNumber() + "/" + tag;
  }
}
