package io.commslib.benchmarks.kafka;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/** Counts handled records and measures from the first to the last. */
final class Meter {

  private static final ThreadMXBean THREADS = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private static final long LIMIT_SECONDS = 300;

  private final int records;
  private final AtomicInteger counted = new AtomicInteger();
  private final CountDownLatch all = new CountDownLatch(1);
  private volatile long startNanos;
  private volatile long startBytes;
  private volatile long endNanos;
  private volatile long endBytes;
  private volatile @Nullable Throwable failure;

  Meter(int records) {
    this.records = records;
  }

  /** Starts the measurement; otherwise it starts at the first record. */
  void start() {
    startBytes = allocated();
    startNanos = System.nanoTime();
  }

  void count() {
    int now = counted.incrementAndGet();
    if (now == 1 && startNanos == 0) {
      start();
    }
    if (now == records) {
      endNanos = System.nanoTime();
      endBytes = allocated();
      all.countDown();
    }
  }

  /** Ends the measurement with a failure. */
  void fail(Throwable cause) {
    failure = cause;
    all.countDown();
  }

  boolean isDone() {
    return all.getCount() == 0;
  }

  Contender.Figures await() throws InterruptedException {
    if (!all.await(LIMIT_SECONDS, TimeUnit.SECONDS)) {
      throw new IllegalStateException(
          counted.get() + " of " + records + " within " + LIMIT_SECONDS + " s");
    }
    if (failure != null) {
      throw new IllegalStateException(counted.get() + " of " + records, failure);
    }
    return new Contender.Figures(
        records * 1e9 / (endNanos - startNanos), (endBytes - startBytes) / (double) records);
  }

  /** Returns the bytes allocated by the live platform threads. */
  private static long allocated() {
    long sum = 0;
    for (long bytes : THREADS.getThreadAllocatedBytes(THREADS.getAllThreadIds())) {
      sum += Math.max(0, bytes);
    }
    return sum;
  }
}
