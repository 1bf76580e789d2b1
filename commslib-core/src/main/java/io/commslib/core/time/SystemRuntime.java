package io.commslib.core.time;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BiFunction;
import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The runtime of applications: the system clocks, a scheduler thread, a secure random generator and
 * threads. Thread-safe; its creator closes it. It uses one thread, which is started with the first
 * scheduled task.
 */
public final class SystemRuntime implements CommsRuntime {

  private static final Logger log = LoggerFactory.getLogger(SystemRuntime.class);

  /** JEP 491: from this version a virtual thread that waits in synchronized is not pinned. */
  private static final int UNPINNED_VERSION = 24;

  private final ScheduledThreadPoolExecutor executor;
  private final TimeSource time = SystemTime.INSTANCE;
  private final TaskScheduler scheduler = this::schedule;
  // SecureRandom is a thread-safe RandomGenerator; SplittableRandom is not.
  private final RandomGenerator random = new SecureRandom();

  private final @Nullable ThreadFactory virtualThreads;

  private SystemRuntime(@Nullable ThreadFactory virtualThreads) {
    this.virtualThreads = virtualThreads;
    executor = new ScheduledThreadPoolExecutor(1, body -> newThread("scheduler", body));
    executor.setRemoveOnCancelPolicy(true);
    executor.setExecuteExistingDelayedTasksAfterShutdownPolicy(false);
  }

  /**
   * Creates a runtime. On Java 24 and newer its workers are virtual threads, which release their
   * platform thread even while they wait inside {@code synchronized}, as drivers do. On older
   * versions they are a bounded pool of platform threads.
   *
   * <p>Handlers in transactions on H2 run on platform threads on every JVM. H2 waits by spinning,
   * and two virtual threads that spin on two processors prevent the thread they wait for from
   * running. A handler that uses H2 outside such a transaction requires {@link #platformThreads}.
   *
   * @return new runtime; close it when it is no longer used
   */
  public static SystemRuntime create() {
    return Runtime.version().feature() >= UNPINNED_VERSION ? virtualThreads() : platformThreads();
  }

  /**
   * Creates a runtime whose workers are a bounded pool of platform threads on every JVM. Use it for
   * handlers that compute more than they wait, or that keep much in thread-local variables.
   *
   * @return new runtime; close it when it is no longer used
   */
  public static SystemRuntime platformThreads() {
    return new SystemRuntime(null);
  }

  /**
   * Creates a runtime whose workers are virtual threads. Many of them are cheap, which suits
   * handlers that wait. The threads of {@link #newThread} and the scheduler are platform threads.
   *
   * @return new runtime; close it when it is no longer used
   * @throws UnsupportedOperationException if this JVM has no virtual threads (before Java 21)
   */
  public static SystemRuntime virtualThreads() {
    return new SystemRuntime(VirtualThreads.factory());
  }

  @Override
  public TimeSource time() {
    return time;
  }

  @Override
  public TaskScheduler scheduler() {
    return scheduler;
  }

  @Override
  public RandomGenerator random() {
    return random;
  }

  @Override
  public Workers newWorkers(String name, int threads) {
    return new PoolWorkers(name, threads, this::newWorker);
  }

  @Override
  public Workers newPlatformWorkers(String name, int threads) {
    return new PoolWorkers(name, threads, this::newThread);
  }

  @Override
  public Thread newThread(String name, Runnable body) {
    Thread thread = new Thread(Objects.requireNonNull(body, "body"), "commslib-" + name);
    thread.setDaemon(true);
    return thread;
  }

  /** Needs no scheduler, so that a thread does not wait forever once the runtime is closed. */
  @Override
  public void pause(Duration time) throws InterruptedException {
    boolean unused = new CountDownLatch(1).await(Timeouts.nanos(time), TimeUnit.NANOSECONDS);
  }

  private Thread newWorker(String name, Runnable body) {
    if (virtualThreads == null) {
      return newThread(name, body);
    }
    Thread thread = virtualThreads.newThread(body);
    thread.setName("commslib-" + name);
    return thread;
  }

  @Override
  public void close() {
    executor.shutdownNow();
  }

  private ScheduledTask schedule(Duration delay, Runnable task) {
    ScheduledFuture<?> future =
        executor.schedule(
            () -> runLogged(task), Math.max(0, delay.toNanos()), TimeUnit.NANOSECONDS);
    return () -> future.cancel(false);
  }

  private static void runLogged(Runnable task) {
    try {
      task.run();
    } catch (Throwable e) {
      logFailure(e);
    }
  }

  /** Logging may fail too, for example without memory; it must not end the thread. */
  private static void logFailure(Throwable failure) {
    try {
      log.error("a task failed: {}", String.valueOf(failure), failure);
    } catch (Throwable e) {
      Thread.onSpinWait();
    }
  }

  private static final class PoolWorkers implements Workers {
    private final ThreadPoolExecutor pool;
    private final AtomicInteger pending = new AtomicInteger();

    PoolWorkers(String name, int threads, BiFunction<String, Runnable, Thread> newThread) {
      AtomicInteger number = new AtomicInteger();
      pool =
          new ThreadPoolExecutor(
              threads,
              threads,
              30,
              TimeUnit.SECONDS,
              new LinkedBlockingQueue<>(),
              body -> newThread.apply(name + "-" + number.incrementAndGet(), body));
      pool.allowCoreThreadTimeOut(true);
    }

    @Override
    public void execute(Runnable work) {
      pending.incrementAndGet();
      try {
        pool.execute(
            () -> {
              try {
                runLogged(work);
              } finally {
                finished();
              }
            });
      } catch (RuntimeException | Error e) {
        finished();
        throw e;
      }
    }

    private void finished() {
      if (pending.decrementAndGet() == 0) {
        synchronized (pending) {
          pending.notifyAll();
        }
      }
    }

    @Override
    public boolean awaitIdle(Duration timeout) {
      long end = System.nanoTime() + Timeouts.nanos(timeout);
      synchronized (pending) {
        while (pending.get() > 0) {
          long left = end - System.nanoTime();
          if (left <= 0) {
            return false;
          }
          try {
            TimeUnit.NANOSECONDS.timedWait(pending, left);
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return false;
          }
        }
      }
      return true;
    }

    @Override
    public void close() {
      // Queued work is dropped and counts as ended for awaitIdle.
      for (Runnable dropped : pool.shutdownNow()) {
        Objects.requireNonNull(dropped);
        finished();
      }
    }
  }
}
