package io.commslib.grpc;

import io.commslib.core.time.TimeSource;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/** Logs at most ten failures a second, and then the number of omitted ones. Thread-safe. */
final class BoundedLog {

  private static final int LINES_PER_SECOND = 10;
  private static final long SECOND_NANOS = 1_000_000_000;

  private final Logger log;
  private final TimeSource time;
  private final AtomicLong begin;
  private final AtomicInteger lines = new AtomicInteger();

  BoundedLog(Logger log, TimeSource time) {
    this.log = log;
    this.time = time;
    this.begin = new AtomicLong(time.nanoTime());
  }

  /** Logs an error; logging that fails changes nothing. */
  void error(String text, @Nullable Throwable failure) {
    try {
      long now = time.nanoTime();
      long second = begin.get();
      if (now - second >= SECOND_NANOS && begin.compareAndSet(second, now)) {
        int omitted = lines.getAndSet(0) - LINES_PER_SECOND;
        if (omitted > 0) {
          log.warn("{} failures of calls were not logged", omitted);
        }
      }
      if (lines.incrementAndGet() <= LINES_PER_SECOND) {
        log.error(text, failure);
      }
    } catch (Throwable e) {
      // For example without memory: the answer is more important than its log line.
      Thread.onSpinWait();
    }
  }
}
