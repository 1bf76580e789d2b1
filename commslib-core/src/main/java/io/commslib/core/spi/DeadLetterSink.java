package io.commslib.core.spi;

import java.util.concurrent.CompletionStage;

/**
 * Publishes to the dead letters of one subscription group. Adapters implement it. Thread-safe.
 *
 * @since 0.1
 */
@FunctionalInterface
public interface DeadLetterSink {

  /**
   * Publishes a dead letter; the stage completes once the broker has confirmed it. The engine
   * settles the original only then; after a failure it pauses the route and tries again.
   *
   * @param deadLetter with the cause in its headers
   * @return completes when it is safe
   */
  CompletionStage<?> publish(WireMessage deadLetter);
}
