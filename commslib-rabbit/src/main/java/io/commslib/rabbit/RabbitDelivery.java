package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Delivery;
import io.commslib.core.spi.RawDelivery;
import io.commslib.core.spi.WireMessage;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A message on its way through the engine; its tag means something on its own channel only. */
final class RabbitDelivery implements RawDelivery {

  private final Channel channel;
  private final String queue;
  private final long tag;
  private final int priorDeliveries;
  private final WireMessage wire;
  private final @Nullable String laneKey;
  private final int sizeBytes;

  /**
   * @param redrive exchange through which the library alone sends to this queue
   */
  RabbitDelivery(Channel channel, String queue, String redrive, Delivery delivery) {
    this.channel = channel;
    this.queue = queue;
    this.tag = delivery.getEnvelope().getDeliveryTag();
    AMQP.BasicProperties properties = delivery.getProperties();
    this.wire =
        RabbitRecords.wire(
            properties, delivery.getBody(), redrive.equals(delivery.getEnvelope().getExchange()));
    this.laneKey = RabbitKeys.lane(wire);
    this.sizeBytes = wire.sizeBytes() + RabbitRecords.hiddenBytes(properties);
    // On a first delivery the count is what the sender made up; on a later one it is the broker's.
    this.priorDeliveries = delivery.getEnvelope().isRedeliver() ? count(properties) : 0;
  }

  private static int count(AMQP.BasicProperties properties) {
    Map<String, Object> table = properties.getHeaders();
    Object count = table == null ? null : table.get(RabbitRecords.DELIVERY_COUNT);
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
    return Optional.ofNullable(laneKey);
  }

  @Override
  public int sizeBytes() {
    return sizeBytes;
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
