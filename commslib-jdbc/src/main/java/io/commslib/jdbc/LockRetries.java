package io.commslib.jdbc;

import java.util.concurrent.TimeUnit;

/** Decides how often a change of tables that met a lock is tried again, and waits in between. */
interface LockRetries {

  int MAX_ATTEMPTS = 12;

  /** Pauses of half a second and longer, up to 5 s: some 50 s in all. */
  LockRetries DEFAULT = LockRetries::pause;

  /** Waits before the next attempt; returns false if there shall be none. */
  boolean awaitRetry(int failedAttempts);

  // The locks of a database know no other time than the real one.
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
