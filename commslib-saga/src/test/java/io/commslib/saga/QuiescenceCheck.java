package io.commslib.saga;

import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionSnapshot;
import java.util.List;

/** Tells when nothing has been received or been under way for some looks in a row. */
final class QuiescenceCheck {

  private static final int REQUIRED_CHECKS = 40;

  private final List<Subscription> subscriptions;
  private long received = -1;
  private int quietChecks;

  QuiescenceCheck(List<Subscription> subscriptions) {
    this.subscriptions = subscriptions;
  }

  boolean isQuiescent(boolean othersAreStill) {
    long receivedNow = count(SubscriptionSnapshot.Count.RECEIVED);
    boolean still =
        othersAreStill
            && receivedNow == received
            && count(SubscriptionSnapshot.Count.IN_FLIGHT) == 0
            && count(SubscriptionSnapshot.Count.WAITING) == 0;
    quietChecks = still ? quietChecks + 1 : 0;
    received = receivedNow;
    return quietChecks >= REQUIRED_CHECKS;
  }

  private long count(SubscriptionSnapshot.Count count) {
    return subscriptions.stream().mapToLong(s -> s.snapshot().count(count)).sum();
  }
}
