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
 * Runs the observer's callbacks and writes log lines, in order, on a thread of its own, so that
 * code of others runs neither under a lock nor on a thread that handles messages. What it throws is
 * logged and dropped. While one call has not returned for five seconds, or when 10,000 wait,
 * further ones are dropped and counted. Thread-safe.
 */
public final class CallbackQueue implements AutoCloseable {

  private static final Logger log = LoggerFactory.getLogger(CallbackQueue.class);
  private static final int MAX_WAITING = 10_000;
  private static final long HANGS_NANOS = Duration.ofSeconds(5).toNanos();

  /** Calls one run of the thread makes before it gives way to others, where threads are shared. */
  private static final int TURN = 1_000;

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
   * @param name role, for the thread name
   */
  public CallbackQueue(CommsRuntime runtime, String name) {
    this.runtime = runtime;
    this.workers = runtime.newPlatformWorkers(name, 1);
  }

  /**
   * Hands a call over. Never blocks, never throws what the call throws.
   *
   * @param call the callback or log line
   */
  public void add(Runnable call) {
    if (closed) {
      return;
    }
    if (size.get() >= MAX_WAITING || hangsForNanos() > HANGS_NANOS) {
      drop();
      return;
    }
    size.incrementAndGet();
    waiting.add(call);
    start();
  }

  private void drop() {
    Thread hanging = thread;
    if (dropped.getAndIncrement() == 0 && hanging != null && hangsForNanos() > HANGS_NANOS) {
      // Most calls that hang wait for something, and an interrupt ends that.
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
      for (int calls = 0; calls < TURN; calls++) {
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
      // Neither a late interrupt of this queue's nor one of the call's own may reach the next call.
      Thread.interrupted();
    }
    long lost = dropped.getAndSet(0);
    if (lost > 0) {
      logFailure(new IllegalStateException(lost + " callbacks were dropped: one did not return"));
    }
  }

  private static void logFailure(Throwable failure) {
    try {
      log.error("a callback failed: {}", Failures.text(failure));
    } catch (Throwable e) {
      // A log that fails has nobody to tell.
      Thread.onSpinWait();
    }
  }

  /** Never 0, which stands for none. */
  private long nowNanos() {
    long now = runtime.time().nanoTime();
    return now == 0 ? 1 : now;
  }

  private long hangsForNanos() {
    long started = startedNanos;
    return started == 0 ? 0 : nowNanos() - started;
  }

  /**
   * Returns what is wrong, for health.
   *
   * @return empty while calls return in time
   */
  public String trouble() {
    long nanos = hangsForNanos();
    return nanos > HANGS_NANOS
        ? "an observer or the log has not returned for "
            + Duration.ofSeconds(Duration.ofNanos(nanos).toSeconds())
            + ", "
            + dropped.get()
            + " calls dropped"
        : "";
  }

  /** Makes the calls that wait, unless one hangs, and takes no more. Does not wait. */
  @Override
  public void close() {
    if (hangsForNanos() > HANGS_NANOS) {
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
