package io.commslib.benchmarks.chaos.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.outbox.OutboxAdmin;
import io.commslib.outbox.ParkedMessage;

/** Somebody who puts parked messages back. */
final class ParkedRowRedriver {

  private final OutboxAdmin admin;

  ParkedRowRedriver(JdbcDatabase database) {
    this.admin = OutboxAdmin.create(database);
  }

  /** Puts back the oldest of them, each in a transaction of its own; returns how many. */
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
