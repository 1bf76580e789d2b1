package io.commslib.core.engine;

import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Lets the broker keep records that wait for a delayed attempt. */
final class DeferredRetries {

  private final DelayStore keeper;
  private final EngineState books;

  DeferredRetries(DelayStore keeper, EngineState books) {
    this.keeper = keeper;
    this.books = books;
  }

  /**
   * Hands the record over; false if it has to wait here. Else the worker's place stays taken until
   * the record is known to be safe.
   */
  boolean keep(LaneEntry entry, Duration delay) {
    if (books.isLeavingNow(entry)) {
      return false;
    }
    entry.enter(LaneEntry.Phase.DELAY_STORE);
    Optional<CompletionStage<?>> kept;
    try {
      kept = keeper.keep(DeferredRetryHeaders.add(entry, receivedAt(entry)), delay);
    } catch (Throwable e) {
      notKept(entry, e);
      return false;
    }
    kept.ifPresent(stage -> stage.whenComplete((done, failure) -> kept(entry, delay, failure)));
    return kept.isPresent();
  }

  private String receivedAt(LaneEntry entry) {
    Instant now = books.runtime.time().now();
    return now.minusNanos(books.runtime.time().nanoTime() - entry.receivedNanos).toString();
  }

  private void kept(LaneEntry entry, Duration delay, @Nullable Throwable failure) {
    if (failure == null) {
      books.acknowledge(entry);
    } else {
      notKept(entry, failure);
    }
    books.change(
        () -> {
          books.running--;
          if (entry.state != LaneEntry.State.ACTIVE) {
            return;
          }
          if (failure == null) {
            books.book(entry, Count.DEFERRED, false);
          } else {
            books.holdForRetry(entry, delay);
          }
        });
  }

  private void notKept(LaneEntry entry, Throwable failure) {
    books.events.failed(entry.id() + " could not be set aside and waits here", failure);
  }
}
