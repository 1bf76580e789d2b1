package io.commslib.testkit.sabotage;

import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import java.time.Duration;

/** A subscription that delegates every call; saboteurs override one. */
class ForwardingSubscription implements Subscription {

  final Subscription healthy;

  ForwardingSubscription(Subscription healthy) {
    this.healthy = healthy;
  }

  @Override
  public SubscriptionConfig config() {
    return healthy.config();
  }

  @Override
  public LifecycleState state() {
    return healthy.state();
  }

  @Override
  public void pause() {
    healthy.pause();
  }

  @Override
  public void resume() {
    healthy.resume();
  }

  @Override
  public SubscriptionSnapshot snapshot() {
    return healthy.snapshot();
  }

  @Override
  public Health health() {
    return healthy.health();
  }

  @Override
  public boolean drain(Duration timeout) {
    return healthy.drain(timeout);
  }

  @Override
  public void close() {
    healthy.close();
  }
}
