package io.commslib.core.inmemory;

import io.commslib.core.Health;
import io.commslib.core.LifecycleState;
import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import java.time.Duration;
import java.util.function.Consumer;

/**
 * A member of a group, as the application sees it. A close without a drain has the effect of a
 * crash: its unsettled messages are redelivered and counted. Thread-safe.
 */
final class InMemorySubscription implements Subscription {

  private final SubscriptionConfig config;
  private final InMemoryGroup group;
  private final GroupMember member;
  private final Consumer<Subscription> onClose;
  private volatile LifecycleState state = LifecycleState.RUNNING;

  InMemorySubscription(
      SubscriptionConfig config,
      InMemoryGroup group,
      GroupMember member,
      Consumer<Subscription> onClose) {
    this.onClose = onClose;
    this.config = config;
    this.group = group;
    this.member = member;
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
    member.engine().pause();
    group.pause(member);
  }

  @Override
  public void resume() {
    member.engine().resume();
    group.resume(member);
  }

  @Override
  public SubscriptionSnapshot snapshot() {
    return member.engine().snapshot();
  }

  @Override
  public Health health() {
    return member.engine().health();
  }

  @Override
  public boolean drain(Duration timeout) {
    if (state == LifecycleState.CLOSED) {
      return true;
    }
    state = LifecycleState.DRAINING;
    group.stop(member);
    return member.engine().drain(timeout);
  }

  @Override
  public void close() {
    if (state != LifecycleState.CLOSED) {
      state = LifecycleState.CLOSED;
      member.engine().close();
      group.close(member);
      onClose.accept(this);
    }
  }
}
