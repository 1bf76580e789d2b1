package io.commslib.rabbit;

import com.rabbitmq.client.BuiltinExchangeType;
import com.rabbitmq.client.Channel;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.TimeoutException;

/** Declares exchanges and queues. All are durable, and all queues are quorum queues. */
final class RabbitTopology {

  /**
   * Above any real count: the engine decides when to dead-letter a message, and the broker's own
   * limit would drop it.
   */
  private static final int DELIVERY_LIMIT = 1_000_000;

  private static final Map<String, Object> GROUP_QUEUE =
      Map.of(
          "x-queue-type",
          "quorum",
          "x-single-active-consumer",
          true,
          "x-delivery-limit",
          DELIVERY_LIMIT);
  private static final Map<String, Object> DEAD_LETTER_QUEUE =
      Map.of("x-queue-type", "quorum", "x-delivery-limit", DELIVERY_LIMIT);

  /**
   * Markers stay in the queue if their record was purged or has expired. Beyond this bound the
   * oldest markers are dropped; a record that kills its process is then detected a few deliveries
   * later.
   */
  private static final int MAX_MARKERS = 10_000;

  private static final Map<String, Object> MARKER_QUEUE =
      Map.of(
          "x-queue-type",
          "quorum",
          "x-delivery-limit",
          DELIVERY_LIMIT,
          "x-max-length",
          MAX_MARKERS);

  private final RecoveringConnection connection;

  RabbitTopology(RecoveringConnection connection) {
    this.connection = connection;
  }

  private interface Work {
    void run(Channel channel) throws IOException;
  }

  void declare(DestinationConfig config) {
    Destination destination = config.destination();
    onChannel(
        "declare " + destination,
        channel -> {
          if (destination.kind() == Destination.Kind.TOPIC) {
            declareExchange(channel, config);
          }
          for (String group : config.groups()) {
            declareGroup(channel, config, group);
          }
        });
  }

  void declareGroup(DestinationConfig config, String group) {
    onChannel(
        "declare group " + group + " of " + config.destination(),
        channel -> declareGroup(channel, config, group));
  }

  private static void declareExchange(Channel channel, DestinationConfig config)
      throws IOException {
    String exchange = RabbitNames.exchange(config.destination());
    if (config.isVerifyOnly()) {
      channel.exchangeDeclarePassive(exchange);
    } else {
      channel.exchangeDeclare(exchange, BuiltinExchangeType.FANOUT, true);
    }
  }

  private static void declareGroup(Channel channel, DestinationConfig config, String group)
      throws IOException {
    Destination destination = config.destination();
    String queue = RabbitNames.queue(destination, group);
    String deadLetters = RabbitNames.deadLetters(destination, group);
    String redrive = RabbitNames.redrive(destination, group);
    String markers = RabbitNames.attemptMarkers(destination, group);
    if (config.isVerifyOnly()) {
      channel.queueDeclarePassive(queue);
      channel.queueDeclarePassive(deadLetters);
      channel.queueDeclarePassive(markers);
      channel.exchangeDeclarePassive(redrive);
      return;
    }
    channel.queueDeclare(queue, true, false, false, GROUP_QUEUE);
    channel.queueDeclare(deadLetters, true, false, false, DEAD_LETTER_QUEUE);
    channel.queueDeclare(markers, true, false, false, MARKER_QUEUE);
    channel.exchangeDeclare(redrive, BuiltinExchangeType.FANOUT, true);
    channel.queueBind(queue, redrive, "");
    if (destination.kind() == Destination.Kind.TOPIC) {
      channel.queueBind(queue, RabbitNames.exchange(destination), "");
    }
  }

  private void onChannel(String what, Work work) {
    try {
      Channel channel = connection.connect().createChannel();
      try {
        work.run(channel);
      } finally {
        closeQuietly(channel);
      }
    } catch (IOException | RuntimeException e) {
      throw RabbitErrors.subscribe(what, e);
    }
  }

  static void closeQuietly(Channel channel) {
    try {
      channel.close();
    } catch (IOException | TimeoutException | RuntimeException e) {
      // A channel that the broker has closed can't be closed again.
      return;
    }
  }
}
