package io.commslib.core.observe;

import io.commslib.core.Failures;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.Workers;
import java.time.Duration;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Runs observer callbacks and writes log lines, in order, on a thread of its own, so that code
 * outside the library runs neither under a lock nor on a thread that handles messages. An exception
 * of a call is logged and dropped. While one call has not returned for five seconds, or while
 * 10,000 calls wait, further calls are dropped and counted. Thread-safe.
 */
public final class CallbackQueue implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(CallbackQueue.class);
  private static final int MAX_WAITING = 10_000;
  private static final long HANG_LIMIT_NANOS = Duration.ofSeconds(5).toNanos();

  /** Calls per run of the thread, after which other work may run where threads are shared. */
  private static final int CALLS_PER_RUN = 1_000;

  private final CommsRuntime runtime;
  private final Workers workers;
  private final Queue<Runnable> waiting = new ConcurrentLinkedQueue<>();
  private final AtomicInteger size = new AtomicInteger();
  private final AtomicBoolean running = new AtomicBoolean();
  private final AtomicLong dropped = new AtomicLong();
  private volatile @Nullable Thread thread;
  private volatile long startedNanos;
  private volatile boolean closed;

  /**
   * Creates a queue; its thread starts with the first call.
   *
   * @param runtime outlives the queue
   * @param name role of the thread, used in its name
   */
  public CallbackQueue(CommsRuntime runtime, String name) {
    this.runtime = runtime;
    this.workers = runtime.newPlatformWorkers(name, 1);
  }

  /**
   * Adds a call. Never blocks; an exception of the call does not reach the caller.
   *
   * @param call the callback or log line
   */
  public void add(Runnable call) {
    if (closed) {
      return;
    }
    if (size.get() >= MAX_WAITING || hangsForNanos() > HANG_LIMIT_NANOS) {
      drop();
      return;
    }
    size.incrementAndGet();
    waiting.add(call);
    start();
  }

  private void drop() {
    Thread hanging = thread;
    if (dropped.getAndIncrement() == 0 && hanging != null && hangsForNanos() > HANG_LIMIT_NANOS) {
      // A call that hangs usually waits for something, and an interrupt ends the wait.
      hanging.interrupt();
    }
  }

  private void start() {
    if (running.compareAndSet(false, true)) {
      try {
        workers.execute(this::run);
      } catch (RuntimeException | Error e) {
        // The runtime is closed or has no thread now; the next call tries again.
        running.set(false);
      }
    }
  }

  private void run() {
    thread = Thread.currentThread();
    try {
      for (int calls = 0; calls < CALLS_PER_RUN; calls++) {
        Runnable call = waiting.poll();
        if (call == null) {
          break;
        }
        size.decrementAndGet();
        call(call);
      }
    } finally {
      thread = null;
      running.set(false);
    }
    if (!waiting.isEmpty()) {
      start();
    }
  }

  private void call(Runnable call) {
    startedNanos = nowNanos();
    try {
      call.run();
    } catch (Throwable e) {
      logFailure(e);
    } finally {
      startedNanos = 0;
      // An interrupt by this queue or by the call itself must not reach the next call.
      Thread.interrupted();
    }
    long lost = dropped.getAndSet(0);
    if (lost > 0) {
      logFailure(
          new IllegalStateException(lost + " callbacks were dropped because one did not return"));
    }
  }

  private static void logFailure(Throwable failure) {
    try {
      log.error("a callback failed: {}", Failures.text(failure));
    } catch (Throwable e) {
      // A failure of the log can't be reported.
      Thread.onSpinWait();
    }
  }

  /** Returns the clock reading, never 0, which means that no call runs. */
  private long nowNanos() {
    long now = runtime.time().nanoTime();
    return now == 0 ? 1 : now;
  }

  private long hangsForNanos() {
    long started = startedNanos;
    return started == 0 ? 0 : nowNanos() - started;
  }

  /** {@return the trouble with the calls, for health; empty while they return in time} */
  public String trouble() {
    long nanos = hangsForNanos();
    return nanos > HANG_LIMIT_NANOS
        ? "an observer or the log has not returned for "
            + Duration.ofSeconds(Duration.ofNanos(nanos).toSeconds())
            + ", "
            + dropped.get()
            + " calls dropped"
        : "";
  }

  /** Runs the waiting calls, unless one hangs, and accepts no more. Does not wait. */
  @Override
  public void close() {
    if (hangsForNanos() > HANG_LIMIT_NANOS) {
      end();
    } else {
      add(this::end);
    }
  }

  private void end() {
    closed = true;
    workers.close();
  }
}
