package io.commslib.rabbit;

import io.commslib.core.time.ScheduledTask;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.TaskScheduler;
import io.commslib.testkit.ForwardingRuntime;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;

/** A runtime that remembers the waits of 1 s to 5 s and the long ones, and shortens the former. */
final class RetryRuntime extends ForwardingRuntime {

  private static final Duration SHORT = Duration.ofMillis(50);

  private final List<Duration> waits = new CopyOnWriteArrayList<>();

  private final AtomicInteger outstanding = new AtomicInteger();

  RetryRuntime() {
    super(SystemRuntime.create());
  }

  List<Duration> waits() {
    return List.copyOf(waits);
  }

  /** {@return the number of such waits that have neither ended nor been cancelled} */
  int outstanding() {
    return outstanding.get();
  }

  @Override
  public TaskScheduler scheduler() {
    TaskScheduler real = super.scheduler();
    return (wait, task) -> {
      if (wait.toSeconds() < 1) {
        return real.schedule(wait, task);
      }
      waits.add(wait);
      outstanding.incrementAndGet();
      ScheduledTask scheduled =
          real.schedule(
              wait.toSeconds() <= 5 ? SHORT : wait,
              () -> {
                outstanding.decrementAndGet();
                task.run();
              });
      return () -> {
        boolean cancelled = scheduled.cancel();
        if (cancelled) {
          outstanding.decrementAndGet();
        }
        return cancelled;
      };
    };
  }
}
