package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import java.io.IOException;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Declares exchanges and queues, or checks that they exist. All that the library creates is
 * durable, and its queues are quorum queues unless a binding says otherwise.
 */
final class RabbitTopology {

  /**
   * Above any real count: the engine decides when to dead-letter a message, and the broker's own
   * limit would drop it.
   */
  private static final int DELIVERY_LIMIT = 1_000_000;

  static final Map<String, Object> SINGLE_ACTIVE_QUEUE =
      Map.of(
          "x-queue-type",
          "quorum",
          "x-single-active-consumer",
          true,
          "x-delivery-limit",
          DELIVERY_LIMIT);
  static final Map<String, Object> QUORUM_QUEUE =
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

  private static final Logger log = LoggerFactory.getLogger(RabbitTopology.class);

  private final RecoveringConnection connection;
  private final RabbitBindings bindings;

  /** Queues whose arguments were named as unchecked; as many as there are bindings. */
  private final Set<String> unchecked = ConcurrentHashMap.newKeySet();

  RabbitTopology(RecoveringConnection connection, RabbitBindings bindings) {
    this.connection = connection;
    this.bindings = bindings;
  }

  private interface Work {
    void run(Channel channel) throws IOException;
  }

  /** Declares or checks the exchange of a destination and the queues of its named groups. */
  void declare(DestinationConfig config) {
    Destination destination = config.destination();
    RabbitBinding binding = bindings.of(destination);
    if (binding.isExchange()) {
      onChannel("declare " + destination, channel -> declareExchange(channel, config, binding));
    }
    for (String group : config.groups()) {
      Optional<QueueBinding> queue = binding.queueOf(group);
      if (queue.isPresent()) {
        declareGroup(config, queue.get(), "declare " + destination);
      } else if (destination.kind() == Destination.Kind.TOPIC) {
        // A queue has a group even for a service that only publishes to it.
        bindings.queue(destination, group);
      }
    }
  }

  /** Declares or checks the queue of a group with its targets. */
  void declareGroup(DestinationConfig config, String group, QueueBinding queue) {
    declareGroup(config, queue, "declare group " + group + " of " + config.destination());
  }

  /**
   * Declares the exchange of a destination and the queue of a group again, as a subscription does
   * that finds its queue deleted, or a new connection.
   */
  void renew(DestinationConfig config, String group, QueueBinding queue) {
    RabbitBinding binding = bindings.of(config.destination());
    if (binding.isExchange()) {
      onChannel(
          "declare " + config.destination(), channel -> declareExchange(channel, config, binding));
    }
    declareGroup(config, group, queue);
  }

  /** {@return whether the library creates the queue itself, with the arguments of its binding} */
  boolean creates(DestinationConfig config, QueueBinding queue) {
    return createsTargets(config) && !queue.exists();
  }

  private boolean createsTargets(DestinationConfig config) {
    return !config.isVerifyOnly() && !bindings.of(config.destination()).isExisting();
  }

  private void declareExchange(Channel channel, DestinationConfig config, RabbitBinding binding)
      throws IOException {
    if (createsTargets(config)) {
      channel.exchangeDeclare(binding.exchange(), binding.kind(), true);
    } else {
      channel.exchangeDeclarePassive(binding.exchange());
    }
  }

  private void declareGroup(DestinationConfig config, QueueBinding queue, String what) {
    boolean targets = createsTargets(config);
    onChannel(
        what,
        channel -> {
          if (creates(config, queue)) {
            channel.queueDeclare(queue.name(), true, false, false, queue.declaredArguments());
          } else {
            channel.queueDeclarePassive(queue.name());
          }
          if (queue.deadLetterExchange().isPresent()) {
            channel.exchangeDeclarePassive(queue.deadLetterExchange().get());
          }
        });
    if (queue.deadLetters().isPresent()) {
      declareDeadLetters(queue.deadLetters().get(), targets, queue.isDeadLetterQueueNamed, what);
    }
    onChannel(
        what,
        channel -> {
          if (targets) {
            createTargets(channel, queue);
          } else {
            checkTargets(channel, queue);
          }
          if (creates(config, queue)) {
            for (String pattern : queue.patterns()) {
              channel.queueBind(
                  queue.name(), bindings.of(config.destination()).exchange(), pattern);
            }
          }
        });
    if (!creates(config, queue) && unchecked.add(queue.name())) {
      log.warn(
          "not checked, since AMQP 0-9-1 does not show them: arguments, durability and bindings of"
              + " queue {}{}",
          queue.name(),
          queue.deadLetters().map(letters -> " and of its dead letters, " + letters).orElse(""));
    }
  }

  /** Takes a queue that the application named as it is, and creates it only if it is missing. */
  private void declareDeadLetters(String name, boolean create, boolean named, String what) {
    if (create && (!named || !exists(name, what))) {
      onChannel(what, channel -> channel.queueDeclare(name, true, false, false, QUORUM_QUEUE));
    } else if (!create) {
      onChannel(what, channel -> channel.queueDeclarePassive(name));
    }
  }

  private static void createTargets(Channel channel, QueueBinding queue) throws IOException {
    if (queue.attemptMarkers().isPresent()) {
      channel.queueDeclare(queue.attemptMarkers().get(), true, false, false, MARKER_QUEUE);
    }
    if (queue.redrive().isPresent()) {
      channel.exchangeDeclare(queue.redrive().get(), "fanout", true);
      channel.queueBind(queue.name(), queue.redrive().get(), "");
    }
  }

  private static void checkTargets(Channel channel, QueueBinding queue) throws IOException {
    if (queue.attemptMarkers().isPresent()) {
      channel.queueDeclarePassive(queue.attemptMarkers().get());
    }
    if (queue.redrive().isPresent()) {
      channel.exchangeDeclarePassive(queue.redrive().get());
    }
  }

  private boolean exists(String queue, String what) {
    boolean[] found = {true};
    onChannel(
        what,
        channel -> {
          try {
            channel.queueDeclarePassive(queue);
          } catch (IOException e) {
            RabbitErrors.Close close = RabbitErrors.close(e);
            if (close == null || close.code() != AMQP.NOT_FOUND) {
              throw e;
            }
            found[0] = false;
          }
        });
    return found[0];
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
