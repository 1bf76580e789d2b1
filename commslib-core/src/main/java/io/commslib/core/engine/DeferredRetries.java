package io.commslib.core.engine;

import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Lets the broker keep records that wait for a delayed attempt. */
final class DeferredRetries {

  private final DelayStore delayStore;
  private final EngineState state;

  DeferredRetries(DelayStore keeper, EngineState books) {
    this.delayStore = keeper;
    this.state = books;
  }

  /**
   * Hands the record over; false if it has to wait here. Else the worker's place stays taken until
   * the record is known to be safe.
   */
  boolean defer(LaneEntry entry, Duration delay) {
    if (state.isLeavingNow(entry)) {
      return false;
    }
    entry.enter(LaneEntry.Phase.DELAY_STORE);
    Optional<CompletionStage<?>> kept;
    try {
      kept = delayStore.keep(DeferredRetryHeaders.add(entry, receivedAt(entry)), delay);
    } catch (Throwable e) {
      deferFailed(entry, e);
      return false;
    }
    kept.ifPresent(stage -> stage.whenComplete((done, failure) -> deferred(entry, delay, failure)));
    return kept.isPresent();
  }

  private String receivedAt(LaneEntry entry) {
    Instant now = state.runtime.time().now();
    return now.minusNanos(state.runtime.time().nanoTime() - entry.receivedNanos).toString();
  }

  private void deferred(LaneEntry entry, Duration delay, @Nullable Throwable failure) {
    if (failure == null) {
      state.acknowledge(entry);
    } else {
      deferFailed(entry, failure);
    }
    state.change(
        () -> {
          state.running--;
          if (entry.state != LaneEntry.State.ACTIVE) {
            return;
          }
          if (failure == null) {
            state.book(entry, Count.DEFERRED, false);
          } else {
            state.holdForRetry(entry, delay);
          }
        });
  }

  private void deferFailed(LaneEntry entry, Throwable failure) {
    state.events.componentFailed(entry.id() + " could not be set aside and waits here", failure);
  }
}
