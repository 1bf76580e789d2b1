package io.commslib.kafka;

import io.commslib.core.engine.DeliveryEngine;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot;
import java.util.Collection;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Detects a stalled partition: a record is unfinished, and the offset to commit has not moved for
 * twice the handler deadline without an explanation. Waiting retries, a paused route and handlers
 * past their deadline are explanations, and are reported elsewhere.
 */
final class StallDetector {

  private static final Logger log = LoggerFactory.getLogger(StallDetector.class);

  private final long limitNanos;
  private volatile String reason = "";

  StallDetector(SubscriptionConfig subscription) {
    this.limitNanos = 2 * subscription.handlerDeadline().toNanos();
  }

  /** The stalled partitions as text; empty if there is none. */
  String reason() {
    return reason;
  }

  void check(Collection<PartitionLedger> ledgers, DeliveryEngine engine, long nowNanos) {
    List<PartitionLedger> stalled =
        ledgers.stream().filter(ledger -> ledger.stalledForNanos(nowNanos) > limitNanos).toList();
    SubscriptionSnapshot snapshot = engine.snapshot();
    boolean explained =
        snapshot.isRoutePaused()
            || snapshot.stuckHandlers() > 0
            || snapshot.count(SubscriptionSnapshot.Count.WAITING) > 0;
    if (stalled.isEmpty() || explained) {
      reason = "";
    } else if (reason.isEmpty()) {
      reason = "stalled: " + stalled;
      log.error("partitions are stalled: {}; {}", stalled, snapshot);
    }
  }
}
