package io.commslib.saga;

import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionSnapshot;
import java.util.List;

/** Detects that nothing was received or in flight for several checks in a row. */
final class QuiescenceCheck {

  private static final int REQUIRED_CHECKS = 100;

  private final List<Subscription> subscriptions;
  private long received = -1;
  private int quietChecks;

  QuiescenceCheck(List<Subscription> subscriptions) {
    this.subscriptions = subscriptions;
  }

  boolean isQuiescent(boolean othersAreQuiet) {
    long receivedNow = count(SubscriptionSnapshot.Count.RECEIVED);
    boolean quiet =
        othersAreQuiet
            && receivedNow == received
            && count(SubscriptionSnapshot.Count.IN_FLIGHT) == 0
            && count(SubscriptionSnapshot.Count.WAITING) == 0;
    quietChecks = quiet ? quietChecks + 1 : 0;
    received = receivedNow;
    return quietChecks >= REQUIRED_CHECKS;
  }

  private long count(SubscriptionSnapshot.Count count) {
    return subscriptions.stream().mapToLong(s -> s.snapshot().count(count)).sum();
  }
}
