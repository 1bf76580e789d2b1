package io.commslib.rabbit;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.ScheduledTask;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.time.TaskScheduler;
import io.commslib.core.time.TimeSource;
import io.commslib.core.time.Workers;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.random.RandomGenerator;

/** A runtime that remembers the waits of 1 s to 5 s and the long ones, and shortens the former. */
final class RetryRuntime implements CommsRuntime {

  private static final Duration SHORT = Duration.ofMillis(50);

  private final SystemRuntime runtime = SystemRuntime.create();
  private final List<Duration> waits = new CopyOnWriteArrayList<>();

  private final AtomicInteger outstanding = new AtomicInteger();

  List<Duration> waits() {
    return List.copyOf(waits);
  }

  /** {@return the number of such waits that have neither ended nor been cancelled} */
  int outstanding() {
    return outstanding.get();
  }

  @Override
  public TaskScheduler scheduler() {
    return (wait, task) -> {
      if (wait.toSeconds() < 1) {
        return runtime.scheduler().schedule(wait, task);
      }
      waits.add(wait);
      outstanding.incrementAndGet();
      ScheduledTask scheduled =
          runtime
              .scheduler()
              .schedule(
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

  @Override
  public TimeSource time() {
    return runtime.time();
  }

  @Override
  public RandomGenerator random() {
    return runtime.random();
  }

  @Override
  public Workers newWorkers(String name, int threads) {
    return runtime.newWorkers(name, threads);
  }

  @Override
  public Thread newThread(String name, Runnable body) {
    return runtime.newThread(name, body);
  }

  @Override
  public void close() {
    runtime.close();
  }
}
