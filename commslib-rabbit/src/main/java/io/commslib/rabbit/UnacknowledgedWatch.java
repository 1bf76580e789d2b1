package io.commslib.rabbit;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.ScheduledTask;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Checks from time to time whether the oldest unacknowledged delivery of a consumer is near the
 * consumer timeout of the broker. Has a timer only while there are such deliveries. Thread-safe.
 */
final class UnacknowledgedWatch {

  /** Reacts to a delivery that is near the timeout. */
  interface Reaction {
    /** Must not block. */
    void near(ConsumerChannel channel, long ageNanos);
  }

  private final CommsRuntime runtime;
  private final ConsumerTimeout timeout;
  private final Supplier<@Nullable ConsumerChannel> consuming;
  private final Reaction reaction;
  private final AtomicBoolean runs = new AtomicBoolean();
  private final AtomicReference<@Nullable ScheduledTask> timer = new AtomicReference<>();
  private volatile boolean closed;

  /**
   * Creates it.
   *
   * @param consuming the channel that consumes now, or null
   */
  UnacknowledgedWatch(
      CommsRuntime runtime,
      ConsumerTimeout timeout,
      Supplier<@Nullable ConsumerChannel> consuming,
      Reaction reaction) {
    this.runtime = runtime;
    this.timeout = timeout;
    this.consuming = consuming;
    this.reaction = reaction;
  }

  /** A delivery was received. Cheap unless it is the first one. */
  void received() {
    if (!runs.get() && runs.compareAndSet(false, true)) {
      schedule();
    }
  }

  private void schedule() {
    replace(runtime.scheduler().schedule(timeout.checkInterval(), this::check));
    if (closed) {
      replace(null);
    }
  }

  private void check() {
    ConsumerChannel channel = consuming.get();
    long age = age(channel);
    if (channel == null || age < 0) {
      runs.set(false);
      if (age(channel) >= 0) {
        // Received in between, when the checks still seemed to continue.
        received();
      }
      return;
    }
    if (timeout.isNear(age)) {
      reaction.near(channel, age);
    }
    schedule();
  }

  private long age(@Nullable ConsumerChannel channel) {
    return channel == null ? -1 : channel.oldestNanos(runtime.time().nanoTime());
  }

  private void replace(@Nullable ScheduledTask next) {
    ScheduledTask earlier = timer.getAndSet(next);
    if (earlier != null) {
      earlier.cancel();
    }
  }

  /** Checks no more. Idempotent. */
  void close() {
    closed = true;
    replace(null);
  }
}
