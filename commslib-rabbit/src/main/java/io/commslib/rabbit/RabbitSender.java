package io.commslib.rabbit;

import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.time.CommsRuntime;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * Publishes with confirms over one channel of a connection of its own: persistent, mandatory, in
 * call order. Without a channel a publish fails immediately as {@code NOT_SENT}; the caller (such
 * as the relay) must retry it.
 */
final class RabbitSender {

  private static final Duration SWEEP_INTERVAL = Duration.ofMillis(500);

  /** Time for which a size limit of the broker is remembered, since an operator may raise it. */
  private static final Duration SIZE_LIMIT_VALIDITY = Duration.ofMinutes(10);

  private record OpenChannel(Channel channel, PendingConfirms confirms) {}

  private final RabbitTransportConfig config;
  private final CommsRuntime runtime;
  private final RecoveringConnection connection;
  private final Semaphore capacity;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile @Nullable OpenChannel open;
  private final AtomicInteger waitingForCapacity = new AtomicInteger();
  private volatile boolean blocked;

  /** Size limit of the broker, as last reported. */
  private volatile long maxBodyBytes = Long.MAX_VALUE;

  private volatile long maxBodyBytesValidUntilNanos;
  private volatile boolean closed;

  RabbitSender(RabbitTransportConfig config, CommsRuntime runtime) {
    this.config = config;
    this.runtime = runtime;
    this.capacity = new Semaphore(config.maxUnconfirmed());
    this.connection = new RecoveringConnection(config, runtime, "publish");
    connection.addListener(this::connected);
    runtime.scheduler().schedule(SWEEP_INTERVAL, this::sweep);
  }

  void connectSoon() {
    connection.recover();
  }

  void connect() throws IOException {
    connection.connect();
  }

  private void connected(Connection current) throws IOException {
    Channel channel = current.createChannel();
    PendingConfirms confirms = new PendingConfirms(capacity);
    blocked = false;
    current.addBlockedListener(reason -> blocked = true, () -> blocked = false);
    channel.confirmSelect();
    channel.addReturnListener(
        message -> {
          Object sequence = message.getProperties().getHeaders().get(OutgoingRecord.SEQUENCE);
          confirms.onReturn(Long.parseLong(String.valueOf(sequence)));
        });
    channel.addConfirmListener(
        (sequence, multiple) -> confirms.onConfirm(sequence, multiple, true),
        (sequence, multiple) -> confirms.onConfirm(sequence, multiple, false));
    channel.addShutdownListener(
        reason -> {
          String text = RabbitErrors.text(reason);
          long limit = RabbitErrors.maxMessageSize(reason);
          if (limit > 0) {
            // Only the message over the limit can never succeed; the others lost their channel.
            maxBodyBytesValidUntilNanos = runtime.time().nanoTime() + SIZE_LIMIT_VALIDITY.toNanos();
            maxBodyBytes = limit;
            confirms.failLargerThan(limit);
          }
          confirms.failAll("channel lost: " + text);
          if (!reason.isHardError()) {
            connection.replace(current, "channel lost: " + text);
          }
        });
    open = new OpenChannel(channel, confirms);
  }

  CompletionStage<PublishReceipt> send(PublishTarget to, String messageId, OutgoingRecord record) {
    long start = runtime.time().nanoTime();
    long deadline = start + config.publishTimeout().toNanos();
    PendingConfirms.Pending publish = new PendingConfirms.Pending(to, messageId, start, deadline);
    if (!acquireCapacity()) {
      publish.fail(
          "COMMS-RABBIT-009",
          FailureKind.TRANSIENT,
          SendCertainty.NOT_SENT,
          "unconfirmed publishes: "
              + config.maxUnconfirmed()
              + " (expected: less than "
              + config.maxUnconfirmed()
              + " within "
              + config.publishTimeout()
              + ", maxUnconfirmed and publishTimeout)");
      return publish.result.minimalCompletionStage();
    }
    lock.lock();
    try {
      OpenChannel current = open;
      if (current == null || !current.channel().isOpen() || blocked) {
        capacity.release();
        publish.fail(
            "COMMS-RABBIT-011",
            FailureKind.TRANSIENT,
            SendCertainty.NOT_SENT,
            blocked ? "the broker blocks publishers (memory or disk alarm)" : notConnected());
        connection.recover();
      } else {
        write(current, publish, record);
      }
    } finally {
      lock.unlock();
    }
    return publish.result.minimalCompletionStage();
  }

  private String notConnected() {
    return "not connected to " + config.address() + ": " + connection.downReason();
  }

  private boolean acquireCapacity() {
    if (capacity.tryAcquire()) {
      return true;
    }
    waitingForCapacity.incrementAndGet();
    try {
      return capacity.tryAcquire(config.publishTimeout().toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      waitingForCapacity.decrementAndGet();
    }
  }

  private void write(OpenChannel current, PendingConfirms.Pending publish, OutgoingRecord record) {
    OutgoingRecord fitting;
    try {
      fitting = record.fitting(current.channel().getConnection().getFrameMax());
    } catch (IllegalArgumentException e) {
      capacity.release();
      publish.fail(
          "COMMS-RABBIT-013",
          FailureKind.PERMANENT,
          SendCertainty.NOT_SENT,
          String.valueOf(e.getMessage()));
      return;
    }
    publish.bodyBytes = fitting.body().length;
    if (publish.bodyBytes > maxBodyBytes
        && runtime.time().nanoTime() - maxBodyBytesValidUntilNanos < 0) {
      // It would close the channel and fail all other publishes.
      capacity.release();
      publish.failTooLarge(maxBodyBytes);
      return;
    }
    long sequence = current.channel().getNextPublishSeqNo();
    current.confirms().add(sequence, publish);
    try {
      current
          .channel()
          .basicPublish(
              publish.to.exchange(),
              publish.to.routingKey(),
              true,
              fitting.withSequence(sequence),
              fitting.body());
    } catch (AlreadyClosedException e) {
      // Nothing was written; the shutdown listener may already have failed it as MAYBE_SENT.
      publish.fail(
          "COMMS-RABBIT-011", FailureKind.TRANSIENT, SendCertainty.NOT_SENT, notConnected());
      current.confirms().withdraw(sequence);
    } catch (IOException | RuntimeException e) {
      abandonChannel(current, RabbitErrors.text(e));
    } catch (Error e) {
      abandonChannel(current, e.toString());
      throw e;
    }
  }

  /**
   * Closes a channel whose sequence numbers are no longer reliable. The client counts a publish
   * before it writes it. If it throws in between, each later confirm would be matched to the wrong
   * message. Messages that wait for their confirm may have arrived.
   */
  private void abandonChannel(OpenChannel broken, String text) {
    if (open == broken) {
      open = null;
    }
    broken.confirms().failAll(text);
    runtime
        .newThread("rabbit-abort", () -> connection.replace(broken.channel().getConnection(), text))
        .start();
  }

  /**
   * Abandons the channel if a confirm is overdue, so that missing confirms do not occupy capacity
   * forever. The pending publishes may have arrived.
   */
  private void sweep() {
    try {
      OpenChannel current = open;
      if (current != null && current.confirms().hasOverdue(runtime.time().nanoTime())) {
        abandonChannel(
            current,
            "no confirm (expected: one within " + config.publishTimeout() + ", publishTimeout)");
      }
    } finally {
      if (!closed) {
        runtime.scheduler().schedule(SWEEP_INTERVAL, this::sweep);
      }
    }
  }

  /**
   * Returns the health of publishing: down without a connection, degraded while the broker blocks
   * publishers. The details have the age of the oldest unconfirmed publish.
   */
  Health health() {
    OpenChannel current = open;
    long age = current == null ? 0 : current.confirms().oldestNanos(runtime.time().nanoTime());
    Map<String, String> details =
        Map.of(
            "oldestUnconfirmed", Duration.ofNanos(age).toString(),
            "unconfirmed", Integer.toString(config.maxUnconfirmed() - capacity.availablePermits()),
            "waitingForRoom", Integer.toString(waitingForCapacity.get()));
    if (current == null || !current.channel().isOpen()) {
      return Health.of(Health.Status.DOWN, "not connected: " + connection.downReason(), details);
    }
    return Health.of(
        blocked ? Health.Status.DEGRADED : Health.Status.UP,
        blocked ? "blocked by the broker" : "",
        details);
  }

  /** Waits for outstanding confirms for a bounded time, then closes. */
  void close() {
    closed = true;
    long end =
        runtime.time().nanoTime() + Math.min(config.publishTimeout().toNanos(), 5_000_000_000L);
    OpenChannel current = open;
    while (current != null
        && current.channel().isOpen()
        && !current.confirms().isEmpty()
        && runtime.time().nanoTime() < end) {
      LockSupport.parkNanos(5_000_000);
    }
    connection.close();
    if (current != null) {
      current.confirms().failAll("closed");
    }
  }
}
