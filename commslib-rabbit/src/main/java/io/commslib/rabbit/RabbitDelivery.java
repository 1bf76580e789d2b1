package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import io.commslib.core.engine.RawDelivery;
import io.commslib.core.hash.Sha256;
import io.commslib.core.messaging.ForeignRecord;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A received message, as the engine handles it. Its tag is valid on its own channel only.
 *
 * <p>The broker's delivery count also includes deliveries that were fetched and never handled,
 * after lost connections, restarts and timeouts of the broker. It therefore only makes a record
 * suspicious; only the markers of unfinished attempts count.
 */
final class RabbitDelivery implements RawDelivery {

  /** Number of earlier deliveries from which a record is suspected of killing its process. */
  static final int SUSPICIOUS_DELIVERIES = 5;

  private final ConsumerChannel source;
  private final ConsumerChannel.Period period;
  private final Channel channel;
  private final String queue;
  private final long tag;
  private final int priorDeliveries;
  private final ForeignRecord wire;
  private final @Nullable String laneKey;
  private final int sizeBytes;

  /** Null unless the record is suspicious. */
  private final @Nullable CrashSuspicion suspicion;

  /** Attempts on a suspicious record; used by its worker. */
  private static final class CrashSuspicion {
    final UnfinishedAttempts attempts;
    final String record;
    UnfinishedAttempts.@Nullable Begun begun;

    CrashSuspicion(UnfinishedAttempts attempts, String record) {
      this.attempts = attempts;
      this.record = record;
    }
  }

  /**
   * @param source the channel on which it was received
   * @param period in which it was received
   * @param binding of the queue
   * @param reading how the records of the subscription are read
   * @param attempts unfinished attempts on the records of this queue; null if it counts no
   *     deliveries
   */
  RabbitDelivery(
      ConsumerChannel source,
      ConsumerChannel.Period period,
      QueueBinding binding,
      RabbitReading reading,
      @Nullable UnfinishedAttempts attempts,
      Delivery delivery) {
    this.source = source;
    this.period = period;
    this.channel = source.channel();
    this.queue = binding.name();
    this.tag = delivery.getEnvelope().getDeliveryTag();
    AMQP.BasicProperties properties = delivery.getProperties();
    this.wire = reading.record(delivery);
    this.laneKey = reading.laneKey(wire);
    this.sizeBytes = wire.sizeBytes() + RabbitRecords.hiddenBytes(properties);
    // On the first delivery the sender may have set the count; later it is the broker's.
    this.priorDeliveries =
        attempts != null && delivery.getEnvelope().isRedeliver() ? deliveryCount(properties) : 0;
    this.suspicion =
        attempts == null || priorDeliveries < SUSPICIOUS_DELIVERIES
            ? null
            : new CrashSuspicion(attempts, identity(delivery.getEnvelope(), wire));
  }

  /** Identifies a record over all its deliveries: a hash of its route, body and shown headers. */
  private static String identity(Envelope envelope, ForeignRecord wire) {
    List<String> parts = new ArrayList<>();
    parts.add(envelope.getExchange());
    parts.add(envelope.getRoutingKey());
    parts.add(Sha256.of(wire.body()));
    new TreeMap<>(wire.texts())
        .forEach(
            (name, value) -> {
              parts.add(name);
              parts.add(value);
            });
    return Sha256.ofTexts('r', parts.toArray(new String[0]));
  }

  private static int deliveryCount(AMQP.BasicProperties properties) {
    Map<String, Object> table = properties.getHeaders();
    Object count = table == null ? null : table.get(RabbitRecords.DELIVERY_COUNT);
    return count instanceof Number number
        ? (int) Math.max(0, Math.min(1_000_000, number.longValue()))
        : 0;
  }

  Channel channel() {
    return channel;
  }

  long epoch() {
    return source.epoch();
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
  public int unfinishedAttempts() {
    UnfinishedAttempts.Begun begun = suspicion == null ? null : suspicion.begun;
    return begun == null ? 0 : begun.unfinishedBefore();
  }

  @Override
  public boolean runsAlone() {
    return suspicion != null;
  }

  @Override
  public void beginAttempt() {
    CrashSuspicion known = suspicion;
    if (known != null) {
      known.begun = known.attempts.begin(channel, known.record);
    }
  }

  @Override
  public void endAttempt() {
    CrashSuspicion known = suspicion;
    UnfinishedAttempts.Begun begun = known == null ? null : known.begun;
    if (known != null && begun != null) {
      known.attempts.end(known.record, begun.attempt());
    }
  }

  /** Deletes the markers of the record, which is acknowledged. */
  void settled() {
    period.acknowledged();
    CrashSuspicion known = suspicion;
    if (known != null) {
      known.attempts.forget(known.record);
    }
  }

  @Override
  public ForeignRecord wire() {
    return wire;
  }

  @Override
  public String positionText() {
    return queue + "@" + channel.getChannelNumber() + "/" + tag;
  }
}
