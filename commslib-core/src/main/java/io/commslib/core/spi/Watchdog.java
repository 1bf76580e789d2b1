package io.commslib.core.spi;

import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.function.Supplier;

/**
 * Looks for handlers past their deadline a few times per deadline, instead of setting a timer for
 * each message.
 */
final class Watchdog {

  private final CommsRuntime runtime;
  private final Duration interval;
  private final Supplier<List<Execution>> running;
  private final Consumer<Execution> onOverrun;
  private final AtomicBoolean scheduled = new AtomicBoolean();
  private final AtomicInteger stuck = new AtomicInteger();

  Watchdog(
      CommsRuntime runtime,
      Duration deadline,
      Supplier<List<Execution>> running,
      Consumer<Execution> onOverrun) {
    this.runtime = runtime;
    long nanos =
        Math.min(
            Duration.ofMillis(500).toNanos(),
            Math.max(Duration.ofMillis(2).toNanos(), deadline.toNanos() / 10));
    this.interval = Duration.ofNanos(nanos);
    this.running = running;
    this.onOverrun = onOverrun;
  }

  /** A handler is about to start. */
  void started() {
    if (!scheduled.get() && scheduled.compareAndSet(false, true)) {
      runtime.scheduler().schedule(interval, this::look);
    }
  }

  /** Its handler has returned; true if the deadline had passed. */
  boolean ended(Execution execution) {
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
    // Before looking: who starts now either is seen, or sets the next look himself.
    scheduled.set(false);
    List<Execution> executions = running.get();
    for (Execution execution : executions) {
      if (execution.overrunAt(now)) {
        stuck.incrementAndGet();
        onOverrun.accept(execution);
      }
    }
    if (!executions.isEmpty()) {
      started();
    }
  }
}
