package io.commslib.benchmarks.chaos.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.outbox.OutboxAdmin;
import io.commslib.outbox.ParkedMessage;

/** An operator that redrives parked messages. */
final class ParkedRowRedriver {

  private final OutboxAdmin admin;

  ParkedRowRedriver(JdbcDatabase database) {
    this.admin = OutboxAdmin.create(database);
  }

  /** Redrives the oldest parked messages, each in its own transaction; returns their number. */
  int redriveOldest(int limit) {
    int redriven = 0;
    for (ParkedMessage parked : admin.parked(limit)) {
      if (admin.redriveAtFront(parked.id(), "operator", "tried again")) {
        redriven++;
      }
    }
    return redriven;
  }
}
