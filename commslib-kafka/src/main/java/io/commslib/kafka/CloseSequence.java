package io.commslib.kafka;

import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Closes resources one after the other, each even if another one fails. An interrupt does not cut
 * the sequence short: the flag is set again at the end.
 */
final class CloseSequence {

  private static final Logger log = LoggerFactory.getLogger(CloseSequence.class);

  private CloseSequence() {}

  /** Runs all steps in their order. Never throws. */
  static void run(String what, Runnable... steps) {
    boolean interrupted = false;
    for (Runnable step : steps) {
      // With the flag set, a wait inside a step would end immediately.
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
      // There may be no memory for a log line. The remaining steps matter more.
    }
  }

  /** Waits for the latch up to the limit, even if the thread is interrupted meanwhile. */
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
