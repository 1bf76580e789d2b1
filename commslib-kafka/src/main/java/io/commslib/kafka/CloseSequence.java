package io.commslib.kafka;

import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Frees things one after the other, each whatever became of the others. An interrupt does not cut
 * it short: the flag is set again when all is done.
 */
final class CloseSequence {

  private static final Logger log = LoggerFactory.getLogger(CloseSequence.class);

  private CloseSequence() {}

  /** Takes all steps in their order. Never throws. */
  static void run(String what, Runnable... steps) {
    boolean interrupted = false;
    for (Runnable step : steps) {
      // With the flag set, what waits inside of a step would give up at once.
      interrupted |= Thread.interrupted();
      try {
        step.run();
      } catch (Throwable e) {
        report(what, e);
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private static void report(String what, Throwable failure) {
    try {
      log.warn("{} did not close cleanly: {}", what, failure.toString());
    } catch (Throwable e) {
      // There may be no memory for a line. What is left to free matters more.
    }
  }

  /** Waits for the latch at most so long, also on a thread that is interrupted meanwhile. */
  static boolean await(CountDownLatch latch, Duration limit, TimeSource time) {
    boolean interrupted = false;
    long end = time.nanoTime() + limit.toNanos();
    try {
      while (true) {
        try {
          return latch.await(end - time.nanoTime(), TimeUnit.NANOSECONDS);
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }
}
