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
import io.commslib.core.time.CommsRuntime;
import java.io.IOException;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicBoolean;
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

  /** Pause before a member that stands by tries again to become the exclusive consumer. */
  private static final Duration STAND_BY = Duration.ofSeconds(1);

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

  /** The reason for which another consumer is the exclusive one; empty if this one is. */
  private volatile String standBy = "";

  /** The reason for which the queue, found at a reconnect, can't be consumed; empty if it can. */
  private volatile String refusal = "";

  private final AtomicBoolean retryScheduled = new AtomicBoolean();

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
    if (channel == null && standBy.isEmpty()) {
      consume(current);
    }
    started = true;
  }

  private DeliveryEngine engine() {
    return Objects.requireNonNull(engine, "engine");
  }

  /** Called with each new connection, and after the pause that follows an error of the JVM. */
  private void consume(Connection current) throws IOException {
    Channel known = channel;
    // A channel of the previous connection may still report open: the client closes it later.
    boolean consumes = known != null && known.getConnection() == current && known.isOpen();
    if (state != LifecycleState.RUNNING || intakeStopped || !jvmFailure.isEmpty() || consumes) {
      return;
    }
    boolean exclusive = binding.consumers == ConsumerMode.EXCLUSIVE;
    AtomicBoolean accepted = new AtomicBoolean();
    Channel opened = current.createChannel();
    opened.basicQos(Math.min(MAX_PREFETCH, config.maxInFlight()));
    opened.addShutdownListener(
        reason -> {
          received.revoke(opened, engine());
          if (!reason.isHardError()
              && state == LifecycleState.RUNNING
              && accepted.get()
              && opened == channel) {
            String text = RabbitErrors.text(reason);
            log.warn("channel of {} lost: {}", queue, text);
            connection.replace(current, "channel of " + queue + " lost: " + text);
          }
        });
    channel = opened;
    if (hasLeft(current)) {
      leave(opened);
      return;
    }
    if (exclusive) {
      received.hold();
    }
    received.receiveFrom(opened);
    try {
      consume(opened, exclusive);
      if (exclusive) {
        ExclusiveConsumer.requireRefused(current, queue);
      }
      accepted.set(true);
      if (!opened.isOpen()) {
        // After the broker has accepted the consumer; its loss was not reported until now.
        throw new IOException("the channel of queue " + queue + " was lost");
      }
      standBy = "";
      refusal = "";
      if (exclusive) {
        received.release();
        dispatch();
      }
    } catch (AlreadyClosedException e) {
      if (!hasLeft(current)) {
        throw e;
      }
      leave(opened);
    } catch (IOException e) {
      if (hasLeft(current)) {
        leave(opened);
        return;
      }
      if (exclusive && ExclusiveConsumer.isRefusal(e)) {
        standBy(RabbitErrors.text(e));
      } else if (started && current.isOpen() && RabbitErrors.closesChannelOnly(e)) {
        refuse(opened, RabbitErrors.text(e));
      } else {
        throw e;
      }
    } catch (SubscribeException e) {
      if (!started) {
        channel = null;
        RabbitTopology.closeQuietly(opened);
        throw e;
      }
      refuse(opened, String.valueOf(e.getMessage()));
    }
  }

  /**
   * Only this queue can't be consumed, such as one that was deleted: tries again, while the other
   * subscriptions continue on the connection.
   */
  private void refuse(Channel opened, String reason) {
    channel = null;
    RabbitTopology.closeQuietly(opened);
    if (!reason.equals(refusal)) {
      log.error("queue {} is no longer consumed: {}", queue, reason);
    }
    refusal = reason;
    tryAgainSoon();
  }

  /** Whether this subscription was closed during an attempt, so that only its channel is lost. */
  private boolean hasLeft(Connection current) {
    return state != LifecycleState.RUNNING && current.isOpen();
  }

  private void leave(Channel opened) {
    channel = null;
    RabbitTopology.closeQuietly(opened);
    closeMarkersOf(opened);
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
            received.add(
                new RabbitDelivery(opened, binding, reading, unfinishedAttempts, delivery));
            dispatch();
          }
        },
        tag -> {
          String text = "the broker has cancelled the consumer of " + queue;
          log.warn(text);
          connection.replace(opened.getConnection(), text);
        });
  }

  /** Another consumer is the exclusive one: tries again until it has left. */
  private void standBy(String reason) {
    channel = null;
    if (standBy.isEmpty()) {
      log.info("stands by on queue {}: {}", queue, reason);
    }
    standBy = reason;
    tryAgainSoon();
  }

  private void tryAgainSoon() {
    // A new connection may have tried meanwhile: one retry is scheduled at a time.
    if (retryScheduled.compareAndSet(false, true)) {
      runtime
          .scheduler()
          .schedule(
              STAND_BY,
              () -> {
                retryScheduled.set(false);
                connection.setUp(listener);
              });
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
    if (state == LifecycleState.RUNNING && !refusal.isEmpty()) {
      return Health.of(Health.Status.DOWN, "refused: " + refusal, engine().health().details());
    }
    if (state == LifecycleState.RUNNING && !standBy.isEmpty() && connection.current().isPresent()) {
      Map<String, String> details = new HashMap<>(engine().health().details());
      details.put("standBy", standBy);
      return Health.of(Health.Status.UP, "", details);
    }
    if (state == LifecycleState.RUNNING && (current == null || !current.isOpen())) {
      return Health.of(
          Health.Status.DOWN,
          "not connected: " + connection.downReason(),
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
