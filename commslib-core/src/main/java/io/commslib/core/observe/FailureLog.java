package io.commslib.core.observe;

import io.commslib.core.time.TimeSource;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * Logs the failures of a server's calls, at most ten a second: a storm of them must not fill the
 * disk. The first line of a later second is preceded by the number of those that were left out.
 * Thread-safe; never blocks but for the logger.
 */
public final class FailureLog {

  private static final int LINES_PER_SECOND = 10;
  private static final long SECOND_NANOS = 1_000_000_000;

  private final Logger log;
  private final TimeSource time;
  private final AtomicLong begin;
  private final AtomicInteger lines = new AtomicInteger();

  /**
   * Creates a log.
   *
   * @param log the logger that gets the lines
   * @param time measures the seconds
   */
  public FailureLog(Logger log, TimeSource time) {
    this.log = log;
    this.time = time;
    this.begin = new AtomicLong(time.nanoTime());
  }

  /**
   * Logs an error. What the logger throws changes nothing.
   *
   * @param text the line
   * @param failure its failure, or null
   */
  public void error(String text, @Nullable Throwable failure) {
    try {
      long now = time.nanoTime();
      long second = begin.get();
      if (now - second >= SECOND_NANOS && begin.compareAndSet(second, now)) {
        int omitted = lines.getAndSet(0) - LINES_PER_SECOND;
        if (omitted > 0) {
          log.warn("{} failures were not logged", omitted);
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
