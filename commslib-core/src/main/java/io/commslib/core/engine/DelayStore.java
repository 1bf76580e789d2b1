package io.commslib.core.engine;

import io.commslib.core.wire.WireMessage;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * Keeps records of an unordered subscription at the broker until their next attempt is due, and
 * then delivers them again as {@link RawDelivery#isDeferredRetry()}. Adapters implement it.
 * Thread-safe.
 */
@FunctionalInterface
public interface DelayStore {

  /**
   * Keeps a record. The engine settles the original once the stage completes; after a failure the
   * record waits in the engine instead.
   *
   * @param record with its history in its headers, those named {@code commslib-retry-*}
   * @param delay how long at least
   * @return completes when it is safe; empty, with nothing done, if such a delay is not kept
   */
  Optional<CompletionStage<?>> keep(WireMessage record, Duration delay);
}
