package io.commslib.kafka;

import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import java.util.Collection;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Notices that a partition stands still: something of it is unfinished, nothing explains that, and
 * the offset to commit has not moved for twice the handler's deadline. Retries that wait, a paused
 * route and handlers that overran are explanations, and told elsewhere.
 */
final class StallDetector {

  private static final Logger log = LoggerFactory.getLogger(StallDetector.class);

  private final long limitNanos;
  private volatile String reason = "";

  StallDetector(SubscriptionConfig subscription) {
    this.limitNanos = 2 * subscription.handlerDeadline().toNanos();
  }

  /** Empty while all moves. */
  String reason() {
    return reason;
  }

  void check(Collection<PartitionLedger> ledgers, DeliveryEngine engine, long nowNanos) {
    List<PartitionLedger> standing =
        ledgers.stream().filter(ledger -> ledger.stalledForNanos(nowNanos) > limitNanos).toList();
    SubscriptionSnapshot snapshot = engine.snapshot();
    boolean explained =
        snapshot.isRoutePaused()
            || snapshot.stuckHandlers() > 0
            || snapshot.count(SubscriptionSnapshot.Count.WAITING) > 0;
    if (standing.isEmpty() || explained) {
      reason = "";
    } else if (reason.isEmpty()) {
      reason = "stands still: " + standing;
      log.error("partitions stand still: {}; {}", standing, snapshot);
    }
  }
}
