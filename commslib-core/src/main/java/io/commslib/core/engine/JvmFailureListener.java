package io.commslib.core.engine;

import java.time.Duration;

/**
 * Reacts to an error of the JVM, such as an {@code OutOfMemoryError}, that stops the handlers of a
 * subscription. Adapters implement it.
 */
@FunctionalInterface
public interface JvmFailureListener {

  /**
   * Gives back immediately everything that this process has taken from the broker, as a crash
   * would. Another process can then continue with it, and the broker or the adapter counts one more
   * delivery for each record whose attempt had begun. The adapter takes records again after the
   * pause. Called by the engine without a lock held, on any thread, once for each such error. Must
   * not wait for handlers.
   *
   * @param reason the error, for health and logs
   * @param pause the time without new records; grows with each error in a row
   */
  void failed(String reason, Duration pause);
}
