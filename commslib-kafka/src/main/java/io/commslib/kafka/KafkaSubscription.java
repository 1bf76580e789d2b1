package io.commslib.kafka;

import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.Timeouts;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A member of a consumer group: a poll loop and the engine that runs the handlers. */
final class KafkaSubscription implements Subscription {

  private static final Logger log = LoggerFactory.getLogger(KafkaSubscription.class);

  private final SubscriptionConfig config;
  private final DeliveryEngine engine;
  private final PollLoop loop;
  private final BrokerWatch watch;
  private final SourceWatch source;
  private final TimeSource time;
  private final Map<String, String> notes;
  private final Runnable onClose;
  private final Thread thread;
  private final CountDownLatch ended = new CountDownLatch(1);
  private final AtomicReference<LifecycleState> state =
      new AtomicReference<>(LifecycleState.RUNNING);

  /**
   * Creates a subscription that does not poll yet.
   *
   * @param notes what was found when the subscription began and an operator should know, for health
   */
  KafkaSubscription(
      SubscriptionConfig config,
      DeliveryEngine engine,
      PollLoop loop,
      BrokerWatch watch,
      SourceWatch source,
      CommsRuntime runtime,
      GroupNames names,
      Map<String, String> notes,
      Runnable onClose) {
    this.config = config;
    this.engine = engine;
    this.loop = loop;
    this.watch = watch;
    this.source = source;
    this.time = runtime.time();
    this.notes = Map.copyOf(notes);
    this.onClose = onClose;
    this.thread =
        runtime.newThread(
            "kafka-poll-" + names.groupId(),
            () -> {
              try {
                loop.run();
              } finally {
                ended.countDown();
              }
            });
  }

  /** Starts to poll. Not part of the constructor, so that the caller can close it if this fails. */
  void start() {
    thread.start();
    source.start();
  }

  @Override
  public SubscriptionConfig config() {
    return config;
  }

  @Override
  public LifecycleState state() {
    return state.get();
  }

  @Override
  public void pause() {
    engine.pause();
  }

  @Override
  public void resume() {
    engine.resume();
  }

  @Override
  public SubscriptionSnapshot snapshot() {
    return engine.snapshot();
  }

  @Override
  public Health health() {
    Health handlers = engine.health();
    if (state() == LifecycleState.CLOSED) {
      return handlers;
    }
    Map<String, String> details = new HashMap<>(handlers.details());
    details.putAll(notes);
    Duration age = loop.passAge();
    details.put("lastPoll", age.toString());
    String down = downReason(age);
    if (!down.isEmpty()) {
      return Health.of(Health.Status.DOWN, down, details);
    }
    String error = loop.lastError();
    return handlers.status() == Health.Status.UP && !error.isEmpty()
        ? Health.of(Health.Status.DEGRADED, error, details)
        : Health.of(handlers.status(), handlers.reason(), details);
  }

  /** The reason why no message can arrive now; empty if there is none. */
  private String downReason(Duration passAge) {
    if (ended.getCount() == 0) {
      return "the poll thread has ended";
    }
    if (passAge.compareTo(PollLoop.PASS_LIMIT) > 0) {
      String error = loop.lastError();
      return "the poll thread has finished no pass for "
          + passAge.toSeconds()
          + " s"
          + (error.isEmpty() ? "" : ": " + error);
    }
    String cluster = watch.reason();
    return cluster.isEmpty() ? source.reason() : cluster;
  }

  @Override
  public void stopIntake() {
    loop.stopIntake();
    engine.pause();
  }

  @Override
  public boolean drain(Duration timeout) {
    state.compareAndSet(LifecycleState.RUNNING, LifecycleState.DRAINING);
    if (state() == LifecycleState.CLOSED) {
      return true;
    }
    Duration limit = Timeouts.bounded(timeout);
    long end = time.nanoTime() + limit.toNanos();
    loop.stopIntake();
    boolean idle = engine.drain(limit);
    // Without a confirmed commit, handled records would be redelivered.
    return loop.awaitCommitted(end - time.nanoTime()) && idle;
  }

  @Override
  public void close() {
    CloseSequence.run(toString(), this::beginClose, () -> awaitClosed(PollLoop.END_LIMIT));
  }

  /** Signals the engine, the loop and the watch to end, and does not wait. */
  void beginClose() {
    state.set(LifecycleState.CLOSED);
    CloseSequence.run(toString(), source::close, engine::close, loop::stop);
  }

  /** Waits until the consumer is closed. */
  void awaitClosed(Duration limit) {
    // An observer may close on the poll thread itself, which ends after this call has returned.
    if (!isPollThread() && !CloseSequence.await(ended, limit, time)) {
      log.warn("{} has not ended in time and continues to end in the background", this);
    }
    onClose.run();
  }

  boolean isPollThread() {
    return Thread.currentThread() == thread;
  }

  @Override
  public String toString() {
    return "subscription " + config.group() + " of " + config.destination();
  }
}
