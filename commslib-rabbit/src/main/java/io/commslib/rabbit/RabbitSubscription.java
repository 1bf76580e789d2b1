package io.commslib.rabbit;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.spi.DeliveryEngine;
import io.commslib.core.spi.RawDelivery;
import io.commslib.core.spi.Settler;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A consumer of one queue. Each channel is an epoch: when it is lost its deliveries are forgotten,
 * since the broker gives them out again, and what still runs settles nothing. A consumer the broker
 * cancels is made again with a new connection.
 */
final class RabbitSubscription implements Subscription, Settler {

  private static final Logger log = LoggerFactory.getLogger(RabbitSubscription.class);
  private static final int MAX_PREFETCH = 65_535;

  private final SubscriptionConfig config;
  private final String queue;
  private final String redrive;
  private final RecoveringConnection connection;
  private final Runnable onClose;
  private @Nullable DeliveryEngine engine;
  private volatile @Nullable Channel channel;
  private volatile @Nullable String consumerTag;
  private volatile LifecycleState state = LifecycleState.STARTING;
  private final Queue<RabbitDelivery> received = new ConcurrentLinkedQueue<>();
  private final AtomicInteger handRequests = new AtomicInteger();
  private final RecoveringConnection.Listener listener = this::consume;

  RabbitSubscription(SubscriptionConfig config, RecoveringConnection connection, Runnable onClose) {
    this.config = config;
    this.queue = RabbitNames.queue(config.destination(), config.group());
    this.redrive = RabbitNames.redrive(config.destination(), config.group());
    this.connection = connection;
    this.onClose = onClose;
  }

  void start(DeliveryEngine newEngine) throws IOException {
    this.engine = newEngine;
    state = LifecycleState.RUNNING;
    Connection standing = connection.connect();
    connection.addListener(listener);
    if (channel == null) {
      consume(standing);
    }
  }

  private DeliveryEngine engine() {
    return Objects.requireNonNull(engine, "engine");
  }

  /** Called with each new connection. */
  private void consume(Connection standing) throws IOException {
    if (state != LifecycleState.RUNNING) {
      return;
    }
    Channel made = standing.createChannel();
    made.basicQos(Math.min(MAX_PREFETCH, config.maxInFlight()));
    made.addShutdownListener(
        reason -> {
          received.removeIf(delivery -> delivery.channel() == made);
          engine().revoke(made);
          if (!reason.isHardError() && state == LifecycleState.RUNNING) {
            log.warn("channel of {} lost: {}", queue, RabbitErrors.text(reason));
            standing.abort(1_000);
          }
        });
    channel = made;
    consumerTag =
        made.basicConsume(
            queue,
            false,
            (tag, delivery) -> {
              received.add(new RabbitDelivery(made, queue, redrive, delivery));
              hand();
            },
            tag -> {
              log.warn("the broker has cancelled the consumer of {}", queue);
              standing.abort(1_000);
            });
  }

  /**
   * Hands over what the engine has room for, one thread at a time so that the broker's order is
   * kept. The rest waits here: at most the prefetch, which is the bound of messages in flight.
   */
  void hand() {
    if (handRequests.getAndIncrement() != 0) {
      return;
    }
    int served = 1;
    do {
      while (engine().isIntakeOpen()) {
        RabbitDelivery next = received.poll();
        if (next == null) {
          break;
        }
        engine().accept(next);
      }
      served = handRequests.addAndGet(-served);
    } while (served != 0);
  }

  @Override
  public void acknowledge(RawDelivery delivery) {
    RabbitDelivery own = (RabbitDelivery) delivery;
    try {
      own.channel().basicAck(own.tag(), false);
    } catch (IOException | RuntimeException e) {
      // The channel is gone, and its tags with it: the broker delivers again, the inbox recognises
      // it.
      log.debug("acknowledgement of {} forgotten: {}", own.positionText(), e.toString());
    }
  }

  /** Only what has not started when this consumer leaves; the next one gets it. */
  @Override
  public void giveBack(RawDelivery delivery) {
    requeue((RabbitDelivery) delivery);
  }

  private void requeue(RabbitDelivery own) {
    try {
      own.channel().basicNack(own.tag(), false, true);
    } catch (IOException | RuntimeException e) {
      log.debug("give back of {} forgotten: {}", own.positionText(), e.toString());
    }
  }

  @Override
  public SubscriptionConfig config() {
    return config;
  }

  @Override
  public LifecycleState state() {
    return state;
  }

  @Override
  public void pause() {
    engine().pause();
  }

  @Override
  public void resume() {
    engine().resume();
  }

  @Override
  public SubscriptionSnapshot snapshot() {
    return engine().snapshot();
  }

  @Override
  public Health health() {
    Channel now = channel;
    if (state == LifecycleState.RUNNING && (now == null || !now.isOpen())) {
      return Health.of(Health.Status.DOWN, "not connected", Map.of());
    }
    return engine().health();
  }

  @Override
  public boolean drain(Duration timeout) {
    if (state == LifecycleState.CLOSED) {
      return true;
    }
    // Paused before anything that takes time, so that nothing new starts from here on.
    engine().pause();
    state = LifecycleState.DRAINING;
    Channel now = channel;
    String tag = consumerTag;
    if (now != null && tag != null) {
      try {
        now.basicCancel(tag);
      } catch (IOException | RuntimeException e) {
        log.debug("cancel of {} not needed: {}", queue, e.toString());
      }
    }
    boolean idle = engine().drain(timeout);
    for (RabbitDelivery rest = received.poll(); rest != null; rest = received.poll()) {
      requeue(rest);
    }
    return idle;
  }

  @Override
  public void close() {
    if (state == LifecycleState.CLOSED) {
      return;
    }
    state = LifecycleState.CLOSED;
    connection.removeListener(listener);
    engine().close();
    Channel now = channel;
    if (now != null) {
      RabbitTopology.closeQuietly(now);
    }
    onClose.run();
  }
}
