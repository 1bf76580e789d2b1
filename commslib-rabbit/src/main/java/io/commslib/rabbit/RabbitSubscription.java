package io.commslib.rabbit;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
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
import java.util.Objects;
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
  private static final int ABORT_MILLIS = 1_000;

  private final SubscriptionConfig config;
  private final String queue;
  private final String redrive;
  private final RecoveringConnection connection;
  private final UnfinishedAttempts unfinishedAttempts;
  private final CommsRuntime runtime;
  private final Runnable onClose;
  private @Nullable DeliveryEngine engine;
  private volatile @Nullable Channel channel;
  private volatile LifecycleState state = LifecycleState.STARTING;

  /** Takes no more messages, also on a new connection. */
  private volatile boolean intakeStopped;

  /** The error of the JVM for which this consumer stays away; empty if it takes part. */
  private volatile String jvmFailure = "";

  private final ReceivedBuffer received = new ReceivedBuffer();
  private final RecoveringConnection.Listener listener = this::consume;

  RabbitSubscription(
      SubscriptionConfig config,
      RecoveringConnection connection,
      UnfinishedAttempts notes,
      CommsRuntime runtime,
      Runnable onClose) {
    this.config = config;
    this.queue = RabbitNames.queue(config.destination(), config.group());
    this.redrive = RabbitNames.redrive(config.destination(), config.group());
    this.connection = connection;
    this.unfinishedAttempts = notes;
    this.runtime = runtime;
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

  /** Called with each new connection, and when a pause after an error of the JVM is over. */
  private void consume(Connection standing) throws IOException {
    Channel known = channel;
    // A channel of the connection before may still look open: the client ends the connection first.
    boolean consumes = known != null && known.getConnection() == standing && known.isOpen();
    if (state != LifecycleState.RUNNING || intakeStopped || !jvmFailure.isEmpty() || consumes) {
      return;
    }
    Channel made = standing.createChannel();
    made.basicQos(Math.min(MAX_PREFETCH, config.maxInFlight()));
    made.addShutdownListener(
        reason -> {
          received.revoke(made, engine());
          if (!reason.isHardError() && state == LifecycleState.RUNNING && made == channel) {
            log.warn("channel of {} lost: {}", queue, RabbitErrors.text(reason));
            standing.abort(ABORT_MILLIS);
          }
        });
    channel = made;
    received.receiveFrom(made);
    made.basicConsume(
        queue,
        false,
        (tag, delivery) -> {
          if (made == channel) {
            received.add(new RabbitDelivery(made, queue, redrive, unfinishedAttempts, delivery));
            dispatch();
          }
        },
        tag -> {
          log.warn("the broker has cancelled the consumer of {}", queue);
          standing.abort(ABORT_MILLIS);
        });
  }

  /**
   * Hands over what the engine has room for. The rest waits here: at most the prefetch, which is
   * the bound of messages in flight.
   */
  void dispatch() {
    try {
      received.dispatch(engine());
    } catch (Throwable e) {
      // The delivery is in no lane, so later ones would overtake it. The broker redelivers all.
      Channel now = channel;
      if (now != null) {
        now.getConnection().abort(ABORT_MILLIS);
      }
      throw e;
    }
  }

  /**
   * Gives everything back as the end of this process would, and consumes again after the pause: the
   * channel ends, other subscriptions on its connection go on.
   */
  void stopAfterJvmFailure(String reason, Duration pause) {
    if (state != LifecycleState.RUNNING) {
      return;
    }
    // First: without it there would be no way back.
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
          unfinishedAttempts.closeFor(lost);
        };
    try {
      runtime.newThread("rabbit-leave", end).start();
    } catch (Throwable e) {
      // No thread to be had, as can be in this state.
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
      // The channel is gone, and its tags with it: the broker delivers again, the inbox recognises
      // it.
      log.debug("acknowledgement of {} forgotten: {}", own.positionText(), e.toString());
    }
    own.settled();
  }

  /**
   * Only what has not started when this consumer leaves. Nothing is sent: the end of the channel
   * gives back all that is not acknowledged, at once and each in its place.
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
    Channel now = channel;
    String error = jvmFailure;
    if (state == LifecycleState.RUNNING && !error.isEmpty()) {
      return Health.of(Health.Status.DOWN, "stopped: " + error, engine().health().details());
    }
    if (state == LifecycleState.RUNNING && (now == null || !now.isOpen())) {
      return Health.of(
          Health.Status.DOWN,
          "not connected: " + connection.downReason(),
          engine().health().details());
    }
    return engine().health();
  }

  /**
   * {@inheritDoc} The broker is not told: once a consumer is cancelled the next one gets later
   * messages, and what this one has not finished yet would come after them. Until the drain the
   * broker may send as many messages as may be in flight; they wait here unhandled.
   */
  @Override
  public void stopIntake() {
    intakeStopped = true;
    engine().pause();
  }

  /**
   * {@inheritDoc} The next consumer of the group takes over when all had ended, otherwise when this
   * is closed.
   */
  @Override
  public boolean drain(Duration timeout) {
    if (state == LifecycleState.CLOSED) {
      return true;
    }
    // Paused before anything that takes time, so that nothing new starts from here on.
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
    Channel now = channel;
    if (now != null) {
      RabbitTopology.closeQuietly(now);
      unfinishedAttempts.closeFor(now);
    }
  }
}
