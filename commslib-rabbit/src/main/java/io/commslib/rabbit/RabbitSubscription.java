package io.commslib.rabbit;

import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.engine.RawDelivery;
import io.commslib.core.engine.Settler;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.resilience.Backoff;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.ScheduledTask;
import java.io.IOException;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A consumer of one queue. Each channel is an epoch: when the channel is lost, its deliveries are
 * dropped, since the broker redelivers them, and handlers that still run settle nothing. A consumer
 * that the broker cancels is created again on a new connection.
 */
final class RabbitSubscription implements Subscription, Settler {

  private static final Logger log = LoggerFactory.getLogger(RabbitSubscription.class);
  private static final int MAX_PREFETCH = 65_535;
  private static final int ABORT_MILLIS = 1_000;

  /** Waits before a member that stands by, or has lost its channel, tries again. */
  private static final Backoff RETRIES =
      Backoff.exponential(Duration.ofSeconds(1), Duration.ofSeconds(5)).withoutJitter();

  /**
   * Waits before an unsuitable queue is tried again. Each attempt may count a delivery of a message
   * there, and the queue may drop what was delivered too often.
   */
  private static final Backoff RETRIES_OF_AN_UNSUITABLE_QUEUE =
      Backoff.exponential(Duration.ofMinutes(1), Duration.ofHours(1)).withoutJitter();

  /** Above this number the waits no longer grow. */
  private static final int MAX_FAILURES = 20;

  /**
   * Refusals in a row without another consumer from which they are a problem. The consumer may have
   * left between the refusal and the count.
   */
  private static final int UNEXPLAINED_REFUSALS = 3;

  /** Far longer than the reading of a record takes. */
  private static final long READING_LIMIT_NANOS = TimeUnit.SECONDS.toNanos(30);

  private final SubscriptionConfig config;
  private final QueueBinding binding;
  private final String queue;
  private final RabbitReading reading;
  private final RecoveringConnection connection;

  /** Null if the queue counts no deliveries. */
  private final @Nullable UnfinishedAttempts unfinishedAttempts;

  private final CommsRuntime runtime;
  private final Runnable onClose;
  private @Nullable DeliveryEngine engine;
  private volatile @Nullable Channel channel;
  private volatile LifecycleState state = LifecycleState.STARTING;

  /**
   * Whether {@link #start} has succeeded, so that failures are no longer reported to its caller.
   */
  private volatile boolean started;

  /** Whether the intake is stopped, also on a new connection. */
  private volatile boolean intakeStopped;

  /** The error of the JVM for which this consumer is stopped; empty if it consumes. */
  private volatile String jvmFailure = "";

  /** The reason for which this subscription does not consume although it is connected. */
  private volatile Obstacle obstacle = Obstacle.NONE;

  /** Attempts in a row that found an obstacle of the same kind; confined to the attempts. */
  private int failures;

  /** Refusals in a row without another consumer; confined to the attempts. */
  private int unexplainedRefusals;

  private final AtomicReference<@Nullable ScheduledTask> retry = new AtomicReference<>();

  /** The time since which the client's thread reads a record; 0 while it reads none. */
  private volatile long readingSinceNanos;

  private final ReceivedBuffer received = new ReceivedBuffer();
  private final RecoveringConnection.Listener listener = this::consume;

  RabbitSubscription(
      SubscriptionConfig config,
      QueueBinding binding,
      RecoveringConnection connection,
      RabbitReading reading,
      @Nullable UnfinishedAttempts unfinishedAttempts,
      CommsRuntime runtime,
      Runnable onClose) {
    this.config = config;
    this.binding = binding;
    this.queue = binding.name();
    this.reading = reading;
    this.connection = connection;
    this.unfinishedAttempts = unfinishedAttempts;
    this.runtime = runtime;
    this.onClose = onClose;
  }

  void start(DeliveryEngine newEngine) throws IOException {
    this.engine = newEngine;
    state = LifecycleState.RUNNING;
    Connection current = connection.connect();
    connection.addListener(listener);
    if (channel == null && !obstacle.exists()) {
      consume(current);
    }
    started = true;
  }

  private DeliveryEngine engine() {
    return Objects.requireNonNull(engine, "engine");
  }

  /** Called with each new connection, and after the wait that follows an obstacle. */
  private void consume(Connection current) throws IOException {
    Channel known = channel;
    // A channel of the previous connection may still report open: the client closes it later.
    boolean consumes = known != null && known.getConnection() == current && known.isOpen();
    if (state != LifecycleState.RUNNING || intakeStopped || !jvmFailure.isEmpty() || consumes) {
      return;
    }
    boolean exclusive = binding.consumers == ConsumerMode.EXCLUSIVE;
    Channel opened = null;
    try {
      if (exclusive) {
        ExclusiveConsumer.require(current, queue);
      }
      AtomicBoolean accepted = new AtomicBoolean();
      opened = open(current, accepted);
      channel = opened;
      if (hasLeft(current)) {
        leave(opened);
        return;
      }
      received.receiveFrom(opened);
      consume(opened, exclusive);
      failures = 0;
      unexplainedRefusals = 0;
      obstacle = Obstacle.NONE;
      accepted.set(true);
      if (!opened.isOpen()) {
        throw new IOException("the channel of queue " + queue + " was lost");
      }
    } catch (AlreadyClosedException e) {
      if (!hasLeft(current)) {
        throw e;
      }
      leave(opened);
    } catch (IOException e) {
      if (hasLeft(current)) {
        leave(opened);
      } else if (exclusive && ExclusiveConsumer.isRefusal(e)) {
        channel = null;
        refusedAsExclusive(current, RabbitErrors.text(e));
      } else if (started && current.isOpen() && RabbitErrors.closesChannelOnly(e)) {
        // Only this queue can't be consumed, such as one that was deleted.
        channel = null;
        hinder(Obstacle.refused(RabbitErrors.text(e)), RETRIES);
      } else {
        throw e;
      }
    } catch (SubscribeException e) {
      if (!started) {
        throw e;
      }
      // Only this queue is unusable; other subscriptions continue on the connection.
      hinder(Obstacle.refused(String.valueOf(e.getMessage())), RETRIES_OF_AN_UNSUITABLE_QUEUE);
    }
  }

  private Channel open(Connection current, AtomicBoolean accepted) throws IOException {
    Channel opened = current.createChannel();
    opened.basicQos(Math.min(MAX_PREFETCH, config.maxInFlight()));
    opened.addShutdownListener(
        reason -> {
          received.revoke(opened, engine());
          if (!reason.isHardError()
              && state == LifecycleState.RUNNING
              && accepted.get()
              && opened == channel) {
            channelLost(opened, RabbitErrors.text(reason));
          }
        });
    return opened;
  }

  /** Whether this subscription was closed during an attempt, so that only its channel is lost. */
  private boolean hasLeft(Connection current) {
    return state != LifecycleState.RUNNING && current.isOpen();
  }

  private void leave(@Nullable Channel opened) {
    channel = null;
    if (opened != null) {
      RabbitTopology.closeQuietly(opened);
      closeMarkersOf(opened);
    }
  }

  private void consume(Channel opened, boolean exclusive) throws IOException {
    opened.basicConsume(
        queue,
        false,
        "",
        false,
        exclusive,
        null,
        (tag, delivery) -> {
          if (opened == channel) {
            received.add(read(opened, delivery));
            dispatch();
          }
        },
        tag -> {
          String text = "the broker has cancelled the consumer of " + queue;
          log.warn(text);
          connection.replace(opened.getConnection(), text);
        });
  }

  /** Reads a record with its ordering key, for which a format is asked on the client's thread. */
  private RabbitDelivery read(Channel from, com.rabbitmq.client.Delivery delivery) {
    readingSinceNanos = runtime.time().nanoTime() | 1;
    try {
      return new RabbitDelivery(from, binding, reading, unfinishedAttempts, delivery);
    } finally {
      readingSinceNanos = 0;
    }
  }

  /**
   * The broker has closed only the channel, for example because a delivery was unacknowledged for
   * too long. Other subscriptions continue on the connection. Called on the client's thread, which
   * must not wait for the broker.
   */
  private void channelLost(Channel lost, String reason) {
    log.warn("channel of {} lost: {}", queue, reason);
    obstacle = Obstacle.channelLost(reason);
    tryAgain(RETRIES.next(1, runtime.random()));
    if (unfinishedAttempts != null) {
      runtime.newThread("rabbit-leave", () -> closeMarkersOf(lost)).start();
    }
  }

  /**
   * The broker refuses an exclusive consumer: there is another one, which may leave, or the queue
   * refuses every exclusive consumer, as one with a single active consumer does.
   */
  private void refusedAsExclusive(Connection current, String reason) throws IOException {
    unexplainedRefusals =
        ExclusiveConsumer.hasNoConsumer(current, queue) ? unexplainedRefusals + 1 : 0;
    hinder(
        unexplainedRefusals < UNEXPLAINED_REFUSALS
            ? Obstacle.standBy(reason)
            : Obstacle.unexplainedRefusal(queue, reason),
        RETRIES);
  }

  /** Remembers and logs the obstacle, and tries again after a wait that grows while it lasts. */
  private void hinder(Obstacle next, Backoff waits) {
    failures = next.status() == obstacle.status() ? Math.min(MAX_FAILURES, failures + 1) : 1;
    if (!next.equals(obstacle)) {
      switch (next.status()) {
        case UP -> log.info("stands by on queue {}: {}", queue, next.reason());
        case DEGRADED -> log.warn("queue {} is not consumed: {}", queue, next.reason());
        default -> log.error("queue {} is not consumed: {}", queue, next.reason());
      }
    }
    obstacle = next;
    tryAgain(waits.next(failures, runtime.random()));
  }

  /** Replaces an earlier retry, so that retries do not multiply with new connections. */
  private void tryAgain(Duration wait) {
    ScheduledTask next = runtime.scheduler().schedule(wait, () -> connection.setUp(listener));
    cancelRetry(next);
    if (state == LifecycleState.CLOSED) {
      cancelRetry(null);
    }
  }

  private void cancelRetry(@Nullable ScheduledTask next) {
    ScheduledTask earlier = retry.getAndSet(next);
    if (earlier != null) {
      earlier.cancel();
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
      Channel current = channel;
      if (current != null) {
        current.getConnection().abort(ABORT_MILLIS);
      }
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
    Channel lost = channel;
    channel = null;
    if (lost == null) {
      return;
    }
    received.revoke(lost, engine());
    Runnable end =
        () -> {
          RabbitTopology.closeQuietly(lost);
          closeMarkersOf(lost);
        };
    try {
      runtime.newThread("rabbit-leave", end).start();
    } catch (Throwable e) {
      // The JVM may be unable to start a thread in this state.
      end.run();
    }
  }

  private void consumeAgain() {
    jvmFailure = "";
    connection.setUp(listener);
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
   * closing the channel returns all unacknowledged messages immediately, each to its place.
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
    if (obstacle.exists()) {
      connection.setUp(listener);
    }
  }

  @Override
  public SubscriptionSnapshot snapshot() {
    return engine().snapshot();
  }

  @Override
  public Health health() {
    Channel current = channel;
    String failure = jvmFailure;
    if (state == LifecycleState.RUNNING && !failure.isEmpty()) {
      return Health.of(Health.Status.DOWN, "stopped: " + failure, engine().health().details());
    }
    Obstacle known = obstacle;
    if (state == LifecycleState.RUNNING && known.exists() && connection.current().isPresent()) {
      return known.health(engine().health().details());
    }
    if (state == LifecycleState.RUNNING && (current == null || !current.isOpen())) {
      return Health.of(
          Health.Status.DOWN,
          "not connected: " + connection.downReason(),
          engine().health().details());
    }
    long since = readingSinceNanos;
    long readsFor = since == 0 ? 0 : runtime.time().nanoTime() - since;
    if (state == LifecycleState.RUNNING && readsFor > READING_LIMIT_NANOS) {
      return Health.of(
          Health.Status.DOWN,
          "the ordering key of a record is being read for "
              + TimeUnit.NANOSECONDS.toSeconds(readsFor)
              + " s (expected: a format that does not block)",
          engine().health().details());
    }
    return engine().health();
  }

  /**
   * {@inheritDoc} The consumer at the broker is not cancelled: the next consumer would get later
   * messages while this one still has unfinished ones. Until the drain the broker may send up to
   * the maximum number of messages in flight; they are buffered here unhandled.
   */
  @Override
  public void stopIntake() {
    intakeStopped = true;
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
    boolean idle = engine().drain(timeout);
    if (idle) {
      closeChannel();
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
    cancelRetry(null);
    engine().close();
    closeChannel();
    onClose.run();
  }

  private void closeChannel() {
    Channel current = channel;
    if (current != null) {
      RabbitTopology.closeQuietly(current);
      closeMarkersOf(current);
    }
  }

  private void closeMarkersOf(Channel consumer) {
    if (unfinishedAttempts != null) {
      unfinishedAttempts.closeFor(consumer);
    }
  }
}
