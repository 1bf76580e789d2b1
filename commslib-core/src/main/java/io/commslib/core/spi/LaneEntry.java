package io.commslib.core.spi;

import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import org.jspecify.annotations.Nullable;

/**
 * One unsettled record and what is known of its attempts. Written by the worker that holds its
 * lane.
 */
final class LaneEntry {

  final RawDelivery raw;
  final Lane lane;
  final long receivedNanos;

  /** Attempts that failed in this process. */
  int failedAttempts;

  /** Attempts that reached the handler, the running one included, outages not. */
  int attempts;

  /** Null until decoded. */
  @Nullable Message message;

  @Nullable String firstCause;
  @Nullable Throwable lastFailure;

  /** Set once the entry is to be dead-lettered; kept over failed tries to do so. */
  @Nullable WireMessage deadLetter;

  Count deadLetterCount = Count.DEAD_LETTERED;

  /** Its scope is lost: nobody wants its settlement any more. Guarded by the engine's lock. */
  boolean revoked;

  LaneEntry(RawDelivery raw, Lane lane, long receivedNanos) {
    this.raw = raw;
    this.lane = lane;
    this.receivedNanos = receivedNanos;
  }

  int attempt() {
    return raw.priorDeliveries() + failedAttempts + 1;
  }

  String id() {
    Message known = message;
    return known == null ? raw.positionText() : known.id();
  }

  void failed(Throwable failure) {
    lastFailure = failure;
    if (firstCause == null) {
      firstCause = DeadLetterCause.text(failure);
    }
  }
}
