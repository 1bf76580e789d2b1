package io.commslib.rabbit;

import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.Envelope;
import io.commslib.core.engine.LaneKeys;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.MessageIds;
import io.commslib.core.time.CommsRuntime;
import org.jspecify.annotations.Nullable;

/** How the records of a subscription are read. Thread-safe. */
final class RabbitReading {

  private final String boundName;
  private final @Nullable String redrive;
  private final @Nullable MessageFormat format;
  private final boolean assignsIds;
  private final CommsRuntime runtime;

  /**
   * @param boundName name to which the destination is bound
   * @param redrive exchange through which only the library publishes to this queue; null if there
   *     is none
   * @param format the destination's own format; null for that of the transport
   */
  RabbitReading(
      String boundName,
      @Nullable String redrive,
      @Nullable MessageFormat format,
      CommsRuntime runtime) {
    this.boundName = boundName;
    this.redrive = redrive;
    this.format = format;
    this.assignsIds = format != null && !format.alwaysFindsId();
    this.runtime = runtime;
  }

  ForeignRecord record(Delivery delivery) {
    Envelope envelope = delivery.getEnvelope();
    return RabbitRecords.wire(
        delivery.getProperties(),
        delivery.getBody(),
        envelope.getExchange().equals(redrive),
        new RabbitRoute(
            envelope.getExchange(), envelope.getRoutingKey(), boundName, format != null),
        assignsIds ? MessageIds.next(runtime.time(), runtime.random()) : null);
  }

  /** The key whose records keep their order; null for no order. */
  @Nullable String laneKey(ForeignRecord record) {
    return format == null ? RabbitKeys.laneKey(record) : LaneKeys.of(format, record);
  }
}
