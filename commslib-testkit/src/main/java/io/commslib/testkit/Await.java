package io.commslib.testkit;

import java.time.Duration;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** Waits in tests with a limit: until a condition holds, or to check that it keeps holding. */
public final class Await {

  private static final Duration USUAL_LIMIT = Duration.ofSeconds(30);

  private static final long POLL_NANOS = 2_000_000;

  private Await() {}

  /**
   * Waits until a condition holds, for at most 30 seconds. Blocks the caller and checks about every
   * 2 ms.
   *
   * @param what the condition in words, for the failure
   * @param condition checked on the calling thread
   * @throws AssertionError if it does not hold within the limit, or the thread is interrupted
   */
  public static void until(String what, BooleanSupplier condition) {
    until(what, USUAL_LIMIT, condition);
  }

  /**
   * Waits until a condition holds. Blocks the caller and checks about every 2 ms.
   *
   * @param what the condition in words, for the failure
   * @param limit the longest wait
   * @param condition checked on the calling thread
   * @throws AssertionError if it does not hold within the limit, or the thread is interrupted
   */
  public static void until(String what, Duration limit, BooleanSupplier condition) {
    Objects.requireNonNull(what, "what");
    long end = System.nanoTime() + limit.toNanos();
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() - end > 0) {
        throw new AssertionError("not within " + limit + ": " + what);
      }
      pause();
    }
  }

  /**
   * Checks for a time that a condition keeps holding. Blocks the caller for the whole period unless
   * the condition breaks.
   *
   * @param what the condition in words, for the failure
   * @param period the time for which it must hold
   * @param condition checked on the calling thread
   * @throws AssertionError once it does not hold, or if the thread is interrupted
   */
  public static void stays(String what, Duration period, BooleanSupplier condition) {
    Objects.requireNonNull(what, "what");
    long end = System.nanoTime() + period.toNanos();
    do {
      if (!condition.getAsBoolean()) {
        throw new AssertionError("broken within " + period + ": " + what);
      }
      pause();
    } while (System.nanoTime() - end < 0);
  }

  private static void pause() {
    LockSupport.parkNanos(POLL_NANOS);
    if (Thread.interrupted()) {
      Thread.currentThread().interrupt();
      throw new AssertionError("interrupted while waiting");
    }
  }
}
