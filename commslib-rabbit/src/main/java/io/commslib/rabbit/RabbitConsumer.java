package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import com.rabbitmq.client.Delivery;
import com.rabbitmq.client.ShutdownSignalException;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Workers;
import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The consumer of one queue, on a channel of its own. If the channel, the consumer or the
 * connection is lost, it consumes again in the background, with its own thread and its own backoff,
 * so that no other consumer waits for it. {@link ConsumerEpochs} decides what each report means.
 * Thread-safe.
 */
final class RabbitConsumer {

  /** Receives what the broker sends. */
  interface Sink {
    /** A message was received. Called on the client's thread, which it must not block. */
    void received(ConsumerChannel channel, Delivery delivery);

    /** {@return whether no handler starts at present, for whatever reason} */
    boolean isPaused();

    /** Starts no more handlers for a channel, and waits for those that run. */
    void stop(Channel channel, Duration timeout);

    /** The broker redelivers what it sent on this channel; may be repeated. Must not block. */
    void revoked(Channel channel);

    /** The channel is closed; its markers of unfinished attempts are to be returned. Blocks. */
    void closed(Channel channel);
  }

  /** Declares or verifies the queue again before another attempt. */
  interface Topology {
    /**
     * Runs before each attempt but the first.
     *
     * @param mayDiffer whether the queue was missing, or the broker has cancelled the consumer
     * @throws SubscribeException if the queue can't be consumed
     */
    void renew(boolean mayDiffer);
  }

  private static final Logger log = LoggerFactory.getLogger(RabbitConsumer.class);

  /**
   * Refusals in a row without another consumer from which they are a problem. The consumer may have
   * left between the refusal and the count.
   */
  private static final int UNEXPLAINED_REFUSALS = 3;

  private final String queue;
  private final boolean isExclusive;
  private final int prefetch;
  private final RecoveringConnection connection;
  private final Topology topology;
  private final Sink sink;
  private final CommsRuntime runtime;
  private final Workers attempts;
  private final ConsumerObstacles obstacles;
  private final RecoveringConnection.Listener listener = this::connected;
  private final ReentrantLock lock;
  private final ConsumerEpochs<ConsumerChannel> epochs;
  private final ConsumerTimeout timeout;
  private final UnacknowledgedWatch watch;

  /** Whether the queue may differ from the one that was consumed before. */
  private volatile boolean mayDiffer;

  /** Refusals in a row without another consumer; confined to the attempts. */
  private int unexplainedRefusals;

  /**
   * Creates it; {@link #start} consumes.
   *
   * @param lock guards {@code epochs}, and is held while a delivery is passed to the engine
   */
  RabbitConsumer(
      QueueBinding binding,
      int prefetch,
      RecoveringConnection connection,
      Topology topology,
      Sink sink,
      ReentrantLock lock,
      ConsumerEpochs<ConsumerChannel> epochs,
      CommsRuntime runtime) {
    this.queue = binding.name();
    this.isExclusive = binding.consumers == ConsumerMode.EXCLUSIVE;
    this.prefetch = prefetch;
    this.connection = connection;
    this.topology = topology;
    this.sink = sink;
    this.lock = lock;
    this.epochs = epochs;
    this.runtime = runtime;
    this.attempts = runtime.newWorkers("rabbit-subscribe", 1);
    this.obstacles = new ConsumerObstacles(queue, runtime, this::tryAgain);
    this.timeout = new ConsumerTimeout(binding.arguments);
    this.watch =
        new UnacknowledgedWatch(
            runtime,
            timeout,
            this::consumingChannel,
            (channel, age) -> execute(() -> returnAll(channel, age)));
  }

  /**
   * Consumes. Blocks until the broker has accepted the consumer, or it stands by.
   *
   * @throws IOException or another failure if the broker refuses it or can't be reached; the caller
   *     then calls {@link #leaveNow}
   */
  void start() throws IOException {
    Throwable failure = consume(connection.connect(), true);
    if (failure != null) {
      throw RabbitErrors.asThrown(failure);
    }
    connection.addListener(listener);
    if (locked(epochs::state) == ConsumerEpochs.State.WAITING && !obstacles.current().exists()) {
      // The connection was lost before there was a listener.
      tryAgain();
    }
  }

  Obstacle obstacle() {
    return obstacles.current();
  }

  boolean isConsuming() {
    ConsumerChannel channel = consumingChannel();
    return channel != null && channel.channel().isOpen();
  }

  private @Nullable ConsumerChannel consumingChannel() {
    return locked(() -> epochs.state() == ConsumerEpochs.State.CONSUMING ? epochs.channel() : null);
  }

  /** Tries now, instead of after the wait that follows an obstacle. */
  void tryAgain() {
    execute(this::attempt);
  }

  private void execute(Runnable work) {
    try {
      attempts.execute(work);
    } catch (RejectedExecutionException e) {
      log.debug("no attempt: closed");
    }
  }

  /** There is another connection, so the one before is lost even if it has not reported it. */
  private void connected(Connection current) {
    ConsumerChannel lost =
        locked(
            () -> {
              ConsumerChannel known = epochs.channel();
              if (known == null || known.channel().getConnection() == current) {
                return null;
              }
              boolean unused = epochs.lost(epochs.epoch());
              return known;
            });
    if (lost != null) {
      sink.revoked(lost.channel());
    }
    tryAgain();
  }

  private void attempt() {
    Connection current = connection.current().orElse(null);
    if (current == null) {
      // The next connection is reported.
      return;
    }
    if (isHeld(ConsumerEpochs.Hold.ROUTE_PAUSED)) {
      if (sink.isPaused()) {
        obstacles.found(Obstacle.returned(queue, timeout.value()));
        return;
      }
      run(() -> epochs.release(ConsumerEpochs.Hold.ROUTE_PAUSED));
    }
    Throwable failure = consume(current, false);
    if (failure != null) {
      log.debug("no consumer of {} yet: {}", queue, failure.toString());
    }
  }

  /** Makes an attempt. Returns its failure, or null. */
  private @Nullable Throwable consume(Connection current, boolean isFirst) {
    long epoch = locked(epochs::begin);
    if (epoch == 0) {
      return null;
    }
    Channel opened = null;
    try {
      if (!isFirst) {
        renewTopology();
        mayDiffer = false;
      }
      if (isExclusive) {
        ExclusiveConsumer.require(current, queue);
      }
      opened = current.createChannel();
      if (opened == null) {
        throw new IOException("the connection has no free channel (channel_max)");
      }
      ConsumerChannel channel = new ConsumerChannel(opened, epoch, timeout.periodNanos());
      if (!locked(() -> epochs.opened(epoch, channel))) {
        end(opened);
        return null;
      }
      consume(channel);
      if (!locked(() -> epochs.consuming(epoch))) {
        throw new IOException("the channel of queue " + queue + " was lost");
      }
      unexplainedRefusals = 0;
      obstacles.overcome();
      return null;
    } catch (IOException | RuntimeException | Error e) {
      return failed(current, epoch, opened, isFirst, e);
    }
  }

  private void renewTopology() {
    try {
      topology.renew(mayDiffer);
    } catch (SubscribeException e) {
      RabbitErrors.Close close = RabbitErrors.close(e);
      if (close == null || close.code() != AMQP.ACCESS_REFUSED) {
        throw e;
      }
      // The queue may still be consumed without the permission to declare it.
      log.debug("queue {} is not declared again: {}", queue, close.text());
    }
  }

  private void consume(ConsumerChannel own) throws IOException {
    Channel channel = own.channel();
    channel.basicQos(prefetch);
    channel.addShutdownListener(reason -> channelClosed(channel, own.epoch(), reason));
    channel.basicConsume(
        queue,
        false,
        "",
        false,
        isExclusive,
        null,
        (tag, delivery) -> {
          sink.received(own, delivery);
          watch.received();
        },
        tag -> cancelled(channel, own.epoch()));
  }

  /** Ends a failed attempt. Returns the failure, or null if it is none. */
  private @Nullable Throwable failed(
      Connection current,
      long epoch,
      @Nullable Channel opened,
      boolean isFirst,
      Throwable failure) {
    boolean isCurrent = locked(() -> epochs.failed(epoch));
    if (isCurrent && opened != null) {
      sink.revoked(opened);
      end(opened);
    }
    boolean standsBy = isExclusive && ExclusiveConsumer.isRefusal(failure);
    if (isCurrent && (standsBy || !isFirst)) {
      hinder(current, failure, standsBy);
    }
    return standsBy ? null : failure;
  }

  private void hinder(Connection current, Throwable failure, boolean standsBy) {
    if (!current.isOpen()) {
      // The next connection is reported, if it was not already while this attempt ran.
      tryAgain();
    } else if (standsBy) {
      obstacles.found(refusedAsExclusive(current, RabbitErrors.text(failure)));
    } else if (failure instanceof SubscribeException known) {
      obstacles.found(Obstacle.refused(queue, known));
    } else {
      mayDiffer |= RabbitErrors.isNotFound(failure);
      obstacles.found(Obstacle.refused(queue, RabbitErrors.text(failure)));
    }
  }

  /**
   * The broker refuses an exclusive consumer: there is another one, which may leave, or the queue
   * refuses every exclusive consumer, as one with a single active consumer does.
   */
  private Obstacle refusedAsExclusive(Connection current, String reason) {
    try {
      unexplainedRefusals =
          ExclusiveConsumer.hasNoConsumer(current, queue) ? unexplainedRefusals + 1 : 0;
    } catch (IOException | RuntimeException e) {
      log.debug("consumers of {} are not counted: {}", queue, e.toString());
    }
    return unexplainedRefusals < UNEXPLAINED_REFUSALS
        ? Obstacle.standBy(reason)
        : Obstacle.unexplainedRefusal(queue, reason);
  }

  /** Called on the client's thread, which must not wait for the broker. */
  private void channelClosed(Channel channel, long epoch, ShutdownSignalException reason) {
    boolean ends = locked(() -> epochs.lost(epoch));
    sink.revoked(channel);
    if (ends && !reason.isHardError()) {
      String text = RabbitErrors.text(reason);
      timeout.learn(text);
      obstacles.ended(Obstacle.channelLost(queue, text));
      endSoon(channel);
    }
  }

  /** The broker has cancelled the consumer, for example because its queue was deleted. */
  private void cancelled(Channel channel, long epoch) {
    boolean ends = locked(() -> epochs.lost(epoch));
    mayDiffer = true;
    sink.revoked(channel);
    if (ends) {
      obstacles.ended(Obstacle.cancelled(queue));
      endSoon(channel);
    }
  }

  /** Returns all messages because of a failure of this process; consumes again soon. */
  void abandon(String reason) {
    ConsumerChannel taken = locked(epochs::interrupt);
    if (taken != null) {
      sink.revoked(taken.channel());
      obstacles.ended(Obstacle.channelLost(queue, reason));
      endSoon(taken.channel());
    }
  }

  /**
   * Returns all messages before the broker closes the channel: in order, after the handlers that
   * run have ended. Consumes again at once, or when the route opens.
   */
  private void returnAll(ConsumerChannel channel, long age) {
    if (consumingChannel() != channel) {
      return;
    }
    log.info(
        "the messages of {} are returned after {}, before the consumer timeout of {}",
        queue,
        Duration.ofNanos(age),
        timeout.value());
    sink.stop(channel.channel(), timeout.left(age));
    boolean isPaused = sink.isPaused();
    ConsumerChannel taken =
        locked(
            () -> {
              if (epochs.channel() != channel) {
                return null;
              }
              if (isPaused) {
                epochs.hold(ConsumerEpochs.Hold.ROUTE_PAUSED);
              }
              return epochs.interrupt();
            });
    if (taken != null) {
      sink.revoked(taken.channel());
      end(taken.channel());
      attempt();
    }
  }

  private boolean isHeld(ConsumerEpochs.Hold hold) {
    return locked(() -> epochs.isHeld(hold));
  }

  /** Returns all messages, and does not consume until {@link #release}. */
  void interrupt(ConsumerEpochs.Hold hold) {
    ConsumerChannel taken =
        locked(
            () -> {
              epochs.hold(hold);
              return epochs.interrupt();
            });
    if (taken != null) {
      sink.revoked(taken.channel());
      endSoon(taken.channel());
    }
  }

  void release(ConsumerEpochs.Hold hold) {
    run(() -> epochs.release(hold));
    tryAgain();
  }

  /** Begins no other epoch from here on, for example on a new connection. */
  void hold(ConsumerEpochs.Hold hold) {
    run(() -> epochs.hold(hold));
  }

  /** Accepts no more deliveries, and keeps the channel. */
  void leave() {
    run(epochs::leave);
  }

  /**
   * Closes the channel, which returns all its messages in order. Idempotent.
   *
   * @param limit the longest time to wait for the broker
   */
  void leaveNow(Duration limit) {
    ConsumerChannel taken = locked(epochs::left);
    connection.removeListener(listener);
    obstacles.close();
    watch.close();
    closeAttempts();
    if (taken != null) {
      Thread end = endSoon(taken.channel());
      try {
        end.join(Math.max(1, limit.toMillis()));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** After an attempt that runs, which must not be interrupted within the client. */
  private void closeAttempts() {
    try {
      attempts.execute(attempts::close);
    } catch (Throwable e) {
      // Closed already, or the JVM is unable to start a thread in this state.
      attempts.close();
    }
  }

  private Thread endSoon(Channel channel) {
    Thread thread = runtime.newThread("rabbit-leave", () -> end(channel));
    try {
      thread.start();
    } catch (Throwable e) {
      // The JVM may be unable to start a thread in this state.
      end(channel);
    }
    return thread;
  }

  private void end(Channel channel) {
    RabbitTopology.closeQuietly(channel);
    sink.closed(channel);
  }

  private void run(Runnable change) {
    lock.lock();
    try {
      change.run();
    } finally {
      lock.unlock();
    }
  }

  private <T extends @Nullable Object> T locked(Supplier<T> change) {
    lock.lock();
    try {
      return change.get();
    } finally {
      lock.unlock();
    }
  }
}
