package io.commslib.saga;

import io.commslib.core.messaging.Subscription;
import io.commslib.core.messaging.SubscriptionSnapshot;
import java.util.List;

/** Tells when nothing has been received or been under way for some looks in a row. */
final class QuiescenceCheck {

  private static final int LOOKS = 40;

  private final List<Subscription> subscriptions;
  private long received = -1;
  private int looks;

  QuiescenceCheck(List<Subscription> subscriptions) {
    this.subscriptions = subscriptions;
  }

  boolean isStill(boolean othersAreStill) {
    long receivedNow = count(SubscriptionSnapshot.Count.RECEIVED);
    boolean still =
        othersAreStill
            && receivedNow == received
            && count(SubscriptionSnapshot.Count.IN_FLIGHT) == 0
            && count(SubscriptionSnapshot.Count.WAITING) == 0;
    looks = still ? looks + 1 : 0;
    received = receivedNow;
    return looks >= LOOKS;
  }

  private long count(SubscriptionSnapshot.Count count) {
    return subscriptions.stream().mapToLong(s -> s.snapshot().count(count)).sum();
  }
}
