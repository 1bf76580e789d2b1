package io.commslib.core.spi;

import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;

/**
 * Looks for handlers past their deadline a few times per deadline, instead of setting a timer for
 * each message.
 */
final class Watchdog {

  private final CommsRuntime runtime;
  private final Duration interval;
  private final Consumer<LaneEntry> onOverrun;
  private final Set<Execution> executions = ConcurrentHashMap.newKeySet();
  private final AtomicBoolean scheduled = new AtomicBoolean();
  private final AtomicInteger stuck = new AtomicInteger();

  Watchdog(CommsRuntime runtime, Duration deadline, Consumer<LaneEntry> onOverrun) {
    this.runtime = runtime;
    long nanos =
        Math.min(
            Duration.ofMillis(500).toNanos(),
            Math.max(Duration.ofMillis(2).toNanos(), deadline.toNanos() / 10));
    this.interval = Duration.ofNanos(nanos);
    this.onOverrun = onOverrun;
  }

  void watch(Execution execution) {
    executions.add(execution);
    if (scheduled.compareAndSet(false, true)) {
      runtime.scheduler().schedule(interval, this::look);
    }
  }

  /** Returns whether the deadline had passed. */
  boolean release(Execution execution) {
    executions.remove(execution);
    boolean overrun = execution.end();
    if (overrun) {
      stuck.decrementAndGet();
    }
    return overrun;
  }

  /** Handlers that have overrun their deadline and not returned. */
  int stuckHandlers() {
    return Math.max(0, stuck.get());
  }

  private void look() {
    long now = runtime.time().nanoTime();
    for (Execution execution : executions) {
      if (execution.overrunAt(now)) {
        stuck.incrementAndGet();
        onOverrun.accept(execution.entry());
      }
    }
    scheduled.set(false);
    if (!executions.isEmpty() && scheduled.compareAndSet(false, true)) {
      runtime.scheduler().schedule(interval, this::look);
    }
  }
}
