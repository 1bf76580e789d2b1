package io.commslib.jdbc;

import java.util.concurrent.TimeUnit;

/** Limits the retries of a table change that was blocked by a lock, and waits between them. */
interface LockRetries {

  int MAX_ATTEMPTS = 12;

  /** Waits from half a second up to 5 s, about 50 s in total. */
  LockRetries DEFAULT = LockRetries::pause;

  /** Waits before the next attempt; returns false if no attempts are left. */
  boolean awaitRetry(int failedAttempts);

  // A database's locks expire in real time, so a virtual clock does not apply.
  private static boolean pause(int failedAttempts) {
    if (failedAttempts >= MAX_ATTEMPTS) {
      return false;
    }
    try {
      TimeUnit.MILLISECONDS.sleep(Math.min(5_000, 250L << failedAttempts));
      return true;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
