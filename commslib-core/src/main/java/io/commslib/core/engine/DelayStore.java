package io.commslib.core.engine;

import io.commslib.core.messaging.ForeignRecord;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/**
 * Keeps records of an unordered subscription at the broker until their next attempt is due, and
 * then redelivers them as {@link RawDelivery#isDeferredRetry()}. Adapters implement it.
 * Thread-safe.
 */
@FunctionalInterface
public interface DelayStore {

  /**
   * Keeps a record. The engine acknowledges the original once the stage completes. After a failure
   * the record waits in the engine instead.
   *
   * @param record with its history in the headers named {@code commslib-retry-*}
   * @param delay the minimum delay until the redelivery
   * @return completes when the record is safe; empty, with no effect, if such a delay is not kept
   */
  Optional<CompletionStage<?>> keep(ForeignRecord record, Duration delay);
}
