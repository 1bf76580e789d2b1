package io.commslib.kafka;

import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import io.commslib.core.spi.DeliveryEngine;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A member of a consumer group: the poll loop beside the engine that does the work. */
final class KafkaSubscription implements Subscription {

  private static final Duration CLOSE_LIMIT = Duration.ofSeconds(10);

  private final SubscriptionConfig config;
  private final DeliveryEngine engine;
  private final PollLoop loop;
  private final Runnable onClose;
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile LifecycleState state = LifecycleState.RUNNING;

  KafkaSubscription(
      SubscriptionConfig config,
      DeliveryEngine engine,
      PollLoop loop,
      CommsRuntime runtime,
      Runnable onClose) {
    this.config = config;
    this.engine = engine;
    this.loop = loop;
    this.onClose = onClose;
    runtime
        .newThread(
            "kafka-poll-" + KafkaNames.groupId(config.destination(), config.group()),
            () -> {
              try {
                loop.run();
              } finally {
                ended.countDown();
              }
            })
        .start();
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
    String error = loop.lastError();
    return handlers.status() == Health.Status.UP && !error.isEmpty()
        ? Health.of(Health.Status.DEGRADED, error, handlers.details())
        : handlers;
  }

  @Override
  public boolean drain(Duration timeout) {
    if (state == LifecycleState.CLOSED) {
      return true;
    }
    state = LifecycleState.DRAINING;
    loop.stopIntake();
    boolean idle = engine.drain(timeout);
    loop.commitSoon();
    return idle;
  }

  @Override
  public void close() {
    if (state == LifecycleState.CLOSED) {
      return;
    }
    state = LifecycleState.CLOSED;
    engine.close();
    loop.stop();
    try {
      ended.await(CLOSE_LIMIT.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    onClose.run();
  }
}
