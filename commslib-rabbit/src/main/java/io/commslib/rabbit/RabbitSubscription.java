package io.commslib.rabbit;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Delivery;
import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.engine.RawDelivery;
import io.commslib.core.engine.Settler;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.time.CommsRuntime;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A subscription: passes what its {@link RabbitConsumer} receives to the engine, and settles it on
 * the channel on which it was received. Deliveries of a lost channel are dropped, since the broker
 * redelivers them, and handlers that still run settle nothing.
 */
final class RabbitSubscription implements Subscription, Settler, RabbitConsumer.Sink {

  private static final Logger log = LoggerFactory.getLogger(RabbitSubscription.class);
  private static final int MAX_PREFETCH = 65_535;

  /** Longest wait for the broker to close a channel. A silent one is noticed by its heartbeat. */
  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(2);

  /** Far longer than the reading of a record takes. */
  private static final long READING_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final SubscriptionConfig config;
  private final QueueBinding binding;
  private final RabbitReading reading;
  private final RecoveringConnection connection;

  /** Null if the queue counts no deliveries. */
  private final @Nullable UnfinishedAttempts unfinishedAttempts;

  private final CommsRuntime runtime;
  private final Runnable onClose;
  private final RabbitConsumer consumer;
  private final ReceivedBuffer received;
  private @Nullable DeliveryEngine engine;
  private volatile LifecycleState state = LifecycleState.STARTING;

  /** The error of the JVM for which this consumer is stopped; empty if it consumes. */
  private volatile String jvmFailure = "";

  /** The time since which the client's thread reads a record; 0 while it reads none. */
  private volatile long readingSinceNanos;

  RabbitSubscription(
      SubscriptionConfig config,
      QueueBinding binding,
      RecoveringConnection connection,
      RabbitConsumer.Topology topology,
      RabbitReading reading,
      @Nullable UnfinishedAttempts unfinishedAttempts,
      CommsRuntime runtime,
      Runnable onClose) {
    this.config = config;
    this.binding = binding;
    this.reading = reading;
    this.connection = connection;
    this.unfinishedAttempts = unfinishedAttempts;
    this.runtime = runtime;
    this.onClose = onClose;
    ReentrantLock lock = new ReentrantLock();
    ConsumerEpochs<ConsumerChannel> epochs = new ConsumerEpochs<>();
    this.received = new ReceivedBuffer(lock, epochs);
    int prefetch = Math.min(MAX_PREFETCH, config.maxInFlight());
    this.consumer =
        new RabbitConsumer(binding, prefetch, connection, topology, this, lock, epochs, runtime);
  }

  void start(DeliveryEngine newEngine) throws IOException {
    this.engine = newEngine;
    state = LifecycleState.RUNNING;
    consumer.start();
  }

  private DeliveryEngine engine() {
    return Objects.requireNonNull(engine, "engine");
  }

  @Override
  public void received(ConsumerChannel channel, Delivery delivery) {
    received.add(read(channel, delivery));
    dispatch();
  }

  /** Reads a record with its ordering key, for which a format is asked on the client's thread. */
  private RabbitDelivery read(ConsumerChannel channel, Delivery delivery) {
    long now = runtime.time().nanoTime();
    readingSinceNanos = now | 1;
    try {
      ConsumerChannel.Period period = channel.received(now);
      return new RabbitDelivery(channel, period, binding, reading, unfinishedAttempts, delivery);
    } finally {
      readingSinceNanos = 0;
    }
  }

  @Override
  public void revoked(Channel channel) {
    received.drop(channel);
    engine().revoke(channel);
  }

  @Override
  public boolean isPaused() {
    return engine().snapshot().isRoutePaused();
  }

  @Override
  public void stop(Channel channel, Duration timeout) {
    engine().stopScope(channel);
    boolean unused = engine().awaitScopeIdle(channel, timeout);
  }

  @Override
  public void closed(Channel channel) {
    if (unfinishedAttempts != null) {
      unfinishedAttempts.closeFor(channel);
    }
  }

  /**
   * Dispatches deliveries while the engine has capacity. The rest is buffered here: at most the
   * prefetch, which is the limit of messages in flight.
   */
  void dispatch() {
    try {
      received.dispatch(engine());
    } catch (Throwable e) {
      // The delivery is in no lane, so later ones would overtake it. The broker redelivers all.
      consumer.abandon("a delivery could not be dispatched: " + e);
      throw e;
    }
  }

  /**
   * Returns all deliveries to the broker, as the end of this process would, and consumes again
   * after the pause. Closes the channel; other subscriptions on the connection continue.
   */
  void stopAfterJvmFailure(String reason, Duration pause) {
    if (state != LifecycleState.RUNNING) {
      return;
    }
    // Scheduled first: if scheduling fails, the subscription must not be stopped.
    runtime.scheduler().schedule(pause, this::consumeAgain);
    jvmFailure = reason;
    consumer.interrupt(ConsumerEpochs.Hold.JVM_FAILURE);
  }

  private void consumeAgain() {
    jvmFailure = "";
    consumer.release(ConsumerEpochs.Hold.JVM_FAILURE);
  }

  @Override
  public void acknowledge(RawDelivery delivery) {
    RabbitDelivery own = (RabbitDelivery) delivery;
    try {
      own.channel().basicAck(own.tag(), false);
    } catch (IOException | RuntimeException e) {
      // The channel is lost with its tags: the broker redelivers, and the inbox recognises the
      // message.
      log.debug("acknowledgement of {} dropped: {}", own.positionText(), e.toString());
    }
    own.settled();
  }

  /**
   * Called only for deliveries that have not started when this consumer closes. Nothing is sent:
   * the channel is closed once no handler runs, which returns all unacknowledged messages at the
   * same time, each to its place. If they were returned one by one, the next consumer could handle
   * them before those whose handlers still run here.
   */
  @Override
  public void giveBack(RawDelivery delivery) {}

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
    if (consumer.obstacle().exists()) {
      consumer.tryAgain();
    }
  }

  @Override
  public SubscriptionSnapshot snapshot() {
    return engine().snapshot();
  }

  @Override
  public Health health() {
    Health handling = engine().health();
    if (state != LifecycleState.RUNNING) {
      return handling;
    }
    Map<String, String> details = handling.details();
    String failure = jvmFailure;
    if (!failure.isEmpty()) {
      return Health.of(Health.Status.DOWN, "stopped: " + failure, details);
    }
    if (connection.current().isEmpty()) {
      String reason = "not connected: " + connection.downReason();
      return Health.of(Health.Status.DOWN, reason, details);
    }
    Obstacle obstacle = consumer.obstacle();
    if (obstacle.exists()) {
      return obstacle.health(details);
    }
    if (!consumer.isConsuming()) {
      String reason = "the consumer of queue " + binding.name() + " is being started";
      return Health.of(Health.Status.DOWN, reason, details);
    }
    long since = readingSinceNanos;
    long readsFor = since == 0 ? 0 : runtime.time().nanoTime() - since;
    return readsFor <= READING_LIMIT_NANOS
        ? handling
        : Health.of(
            Health.Status.DOWN,
            "the ordering key of a record is being read for "
                + TimeUnit.NANOSECONDS.toSeconds(readsFor)
                + " s (expected: a format that does not block)",
            details);
  }

  /**
   * {@inheritDoc} The consumer at the broker is not cancelled: the next consumer would get later
   * messages while this one still has unfinished ones. Until the drain the broker may send up to
   * the maximum number of messages in flight; they are buffered here unhandled.
   */
  @Override
  public void stopIntake() {
    consumer.hold(ConsumerEpochs.Hold.INTAKE_STOPPED);
    engine().pause();
  }

  /**
   * {@inheritDoc} The next consumer of the group takes over once all handlers have ended, otherwise
   * when this subscription is closed.
   */
  @Override
  public boolean drain(Duration timeout) {
    if (state == LifecycleState.CLOSED) {
      return true;
    }
    // Paused first, so that no handler starts from here on.
    stopIntake();
    state = LifecycleState.DRAINING;
    consumer.leave();
    boolean idle = engine().drain(timeout);
    if (idle) {
      consumer.leaveNow(CLOSE_LIMIT);
    }
    return idle;
  }

  @Override
  public void close() {
    if (state == LifecycleState.CLOSED) {
      return;
    }
    state = LifecycleState.CLOSED;
    engine().close();
    consumer.leaveNow(CLOSE_LIMIT);
    onClose.run();
  }
}
