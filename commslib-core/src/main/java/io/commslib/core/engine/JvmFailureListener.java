package io.commslib.core.engine;

import java.time.Duration;

/**
 * Is told that an error of the JVM, such as an {@code OutOfMemoryError}, stops the handlers of a
 * subscription. Adapters implement it.
 */
@FunctionalInterface
public interface JvmFailureListener {

  /**
   * Gives back at once what this process has taken from the broker, as a crash of it would: so that
   * another process goes on with it, and the broker or the adapter counts a delivery more for what
   * had begun. Takes part again after the pause. Called by the engine without a lock held, on any
   * thread, once for each such error; must not block for handlers.
   *
   * @param reason the error, for health and logs
   * @param pause how long to stay away; grows with each error in a row
   */
  void failed(String reason, Duration pause);
}
