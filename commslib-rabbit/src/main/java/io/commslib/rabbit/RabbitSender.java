package io.commslib.rabbit;

import com.rabbitmq.client.AlreadyClosedException;
import com.rabbitmq.client.Channel;
import com.rabbitmq.client.Connection;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
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
 * call order. While there is no channel a publish fails at once, {@code NOT_SENT}; who must not
 * lose it (the relay) tries again.
 */
final class RabbitSender {

  private static final Duration SWEEP = Duration.ofMillis(500);

  /** How long a limit of the broker is believed: it may be raised. */
  private static final Duration BELIEVED = Duration.ofMinutes(10);

  private static final int ABORT_MILLIS = 1_000;

  private record Open(Channel channel, PendingConfirms confirms) {}

  private final RabbitTransportConfig config;
  private final CommsRuntime runtime;
  private final RecoveringConnection connection;
  private final Semaphore window;
  private final ReentrantLock lock = new ReentrantLock();
  private volatile @Nullable Open open;
  private final AtomicInteger waitingForRoom = new AtomicInteger();
  private volatile boolean blocked;

  /** What the broker said it takes at most, and until when that is believed. */
  private volatile long maxBodyBytes = Long.MAX_VALUE;

  private volatile long believedUntilNanos;
  private volatile boolean closed;

  RabbitSender(RabbitTransportConfig config, CommsRuntime runtime) {
    this.config = config;
    this.runtime = runtime;
    this.window = new Semaphore(config.maxUnconfirmed());
    this.connection = new RecoveringConnection(config, runtime, "publish");
    connection.addListener(this::connected);
    runtime.scheduler().schedule(SWEEP, this::sweep);
  }

  void connectSoon() {
    connection.recover();
  }

  void connect() throws IOException {
    connection.connect();
  }

  private void connected(Connection made) throws IOException {
    Channel channel = made.createChannel();
    PendingConfirms confirms = new PendingConfirms(window);
    blocked = false;
    made.addBlockedListener(reason -> blocked = true, () -> blocked = false);
    channel.confirmSelect();
    channel.addReturnListener(
        message -> {
          Object sequence = message.getProperties().getHeaders().get(OutgoingRecord.SEQUENCE);
          confirms.returned(Long.parseLong(String.valueOf(sequence)));
        });
    channel.addConfirmListener(
        (sequence, multiple) -> confirms.confirmed(sequence, multiple, true),
        (sequence, multiple) -> confirms.confirmed(sequence, multiple, false));
    channel.addShutdownListener(
        reason -> {
          String text = RabbitErrors.text(reason);
          long limit = RabbitErrors.largestMessage(reason);
          if (limit > 0) {
            // The one that is too large will always be; the others only have lost their channel.
            believedUntilNanos = runtime.time().nanoTime() + BELIEVED.toNanos();
            maxBodyBytes = limit;
            confirms.failLarger(limit);
          }
          confirms.failAll("channel lost: " + text);
          if (!reason.isHardError()) {
            // The connection stands, only the channel is gone: a new connection is the simplest way
            // to a new one.
            made.abort(1_000);
          }
        });
    open = new Open(channel, confirms);
  }

  CompletionStage<PublishReceipt> send(
      String exchange,
      String routingKey,
      boolean optional,
      Destination to,
      String messageId,
      OutgoingRecord record) {
    long start = runtime.time().nanoTime();
    long deadline = start + config.publishTimeout().toNanos();
    PendingConfirms.Pending publish =
        new PendingConfirms.Pending(to, messageId, optional, start, deadline);
    if (!acquire()) {
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
      Open now = open;
      if (now == null || !now.channel().isOpen() || blocked) {
        window.release();
        publish.fail(
            "COMMS-RABBIT-011",
            FailureKind.TRANSIENT,
            SendCertainty.NOT_SENT,
            blocked ? "the broker blocks publishers (memory or disk alarm)" : notConnected());
        connection.recover();
      } else {
        write(now, exchange, routingKey, publish, record);
      }
    } finally {
      lock.unlock();
    }
    return publish.result.minimalCompletionStage();
  }

  private String notConnected() {
    return "not connected to " + config.address() + ": " + connection.trouble();
  }

  private boolean acquire() {
    if (window.tryAcquire()) {
      return true;
    }
    waitingForRoom.incrementAndGet();
    try {
      return window.tryAcquire(config.publishTimeout().toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      waitingForRoom.decrementAndGet();
    }
  }

  private void write(
      Open now,
      String exchange,
      String routingKey,
      PendingConfirms.Pending publish,
      OutgoingRecord record) {
    OutgoingRecord fitting;
    try {
      fitting = record.fitting(now.channel().getConnection().getFrameMax());
    } catch (IllegalArgumentException e) {
      window.release();
      publish.fail(
          "COMMS-RABBIT-013",
          FailureKind.PERMANENT,
          SendCertainty.NOT_SENT,
          String.valueOf(e.getMessage()));
      return;
    }
    publish.bodyBytes = fitting.body().length;
    if (publish.bodyBytes > maxBodyBytes && runtime.time().nanoTime() - believedUntilNanos < 0) {
      // It would end the channel, and with it the publishes of others.
      window.release();
      publish.failTooLarge(maxBodyBytes);
      return;
    }
    long sequence = now.channel().getNextPublishSeqNo();
    now.confirms().add(sequence, publish);
    try {
      now.channel()
          .basicPublish(exchange, routingKey, true, fitting.numbered(sequence), fitting.body());
    } catch (AlreadyClosedException e) {
      // Nothing was written; the shutdown listener may have been quicker with a less certain word.
      publish.fail(
          "COMMS-RABBIT-011", FailureKind.TRANSIENT, SendCertainty.NOT_SENT, notConnected());
      now.confirms().withdraw(sequence);
    } catch (IOException | RuntimeException e) {
      giveUp(now, RabbitErrors.text(e));
    } catch (Error e) {
      giveUp(now, e.toString());
      throw e;
    }
  }

  /**
   * Ends a channel whose numbers can't be relied on any more. The client counts a publish before it
   * writes it: had it thrown in between, each later confirm would be taken for that of the message
   * before. What waits for its confirm may have arrived.
   */
  private void giveUp(Open broken, String text) {
    if (open == broken) {
      open = null;
    }
    broken.confirms().failAll(text);
    runtime
        .newThread("rabbit-abort", () -> broken.channel().getConnection().abort(ABORT_MILLIS))
        .start();
  }

  /**
   * A confirm that never comes must not hold its slot for ever: the channel is given up, and with
   * it its certainty.
   */
  private void sweep() {
    try {
      Open now = open;
      if (now != null && now.confirms().hasOverdue(runtime.time().nanoTime())) {
        giveUp(
            now,
            "no confirm (expected: one within " + config.publishTimeout() + ", publishTimeout)");
      }
    } finally {
      if (!closed) {
        runtime.scheduler().schedule(SWEEP, this::sweep);
      }
    }
  }

  /**
   * Returns the health of publishing.
   *
   * @return down without a connection; with the age of the oldest unconfirmed publish
   */
  Health health() {
    Open now = open;
    long age = now == null ? 0 : now.confirms().oldestNanos(runtime.time().nanoTime());
    Map<String, String> details =
        Map.of(
            "oldestUnconfirmed", Duration.ofNanos(age).toString(),
            "unconfirmed", Integer.toString(config.maxUnconfirmed() - window.availablePermits()),
            "waitingForRoom", Integer.toString(waitingForRoom.get()));
    if (now == null || !now.channel().isOpen()) {
      return Health.of(Health.Status.DOWN, "not connected: " + connection.trouble(), details);
    }
    return Health.of(
        blocked ? Health.Status.DEGRADED : Health.Status.UP,
        blocked ? "blocked by the broker" : "",
        details);
  }

  /** Waits for outstanding confirms, bounded, then closes. */
  void close() {
    closed = true;
    long end =
        runtime.time().nanoTime() + Math.min(config.publishTimeout().toNanos(), 5_000_000_000L);
    Open now = open;
    while (now != null
        && now.channel().isOpen()
        && !now.confirms().isEmpty()
        && runtime.time().nanoTime() < end) {
      LockSupport.parkNanos(5_000_000);
    }
    connection.close();
    if (now != null) {
      now.confirms().failAll("closed");
    }
  }
}
