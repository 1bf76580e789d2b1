package io.commslib.core.engine;

import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Lets the broker keep records that wait for a delayed attempt. */
final class DeferredRetries {

  private final DelayStore delayStore;
  private final TimeSource time;
  private final EngineState state;
  private final EngineEvents events;

  DeferredRetries(DelayStore delayStore, TimeSource time, EngineState state, EngineEvents events) {
    this.delayStore = delayStore;
    this.time = time;
    this.state = state;
    this.events = events;
  }

  /**
   * Publishes the record to the delay store. Returns false if the record must wait in the engine.
   * After true, the worker's place stays taken until the record is known to be safe.
   */
  boolean defer(LaneEntry entry, Duration delay) {
    if (state.isLeaving(entry)) {
      return false;
    }
    entry.enter(LaneEntry.Phase.DELAY_STORE);
    Optional<CompletionStage<?>> kept;
    try {
      kept = delayStore.keep(DeferredRetryHeaders.add(entry, receivedAt(entry)), delay);
    } catch (Throwable e) {
      reportFailure(entry, e);
      return false;
    }
    kept.ifPresent(stage -> stage.whenComplete((done, failure) -> deferred(entry, delay, failure)));
    return kept.isPresent();
  }

  private String receivedAt(LaneEntry entry) {
    Instant now = time.now();
    return now.minusNanos(time.nanoTime() - entry.receivedNanos).toString();
  }

  private void deferred(LaneEntry entry, Duration delay, @Nullable Throwable failure) {
    if (failure == null) {
      state.acknowledge(entry);
      state.published(entry, Count.DEFERRED);
    } else {
      reportFailure(entry, failure);
      state.deferFailed(entry, delay);
    }
  }

  private void reportFailure(LaneEntry entry, Throwable failure) {
    events.componentFailed(entry.shownId() + " could not be deferred and waits here", failure);
  }
}
