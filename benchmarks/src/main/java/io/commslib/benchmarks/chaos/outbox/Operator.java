package io.commslib.benchmarks.chaos.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.outbox.OutboxAdmin;
import io.commslib.outbox.ParkedMessage;

/** Somebody who puts parked messages back. */
final class Operator {

  private final OutboxAdmin admin;

  Operator(JdbcDatabase database) {
    this.admin = OutboxAdmin.create(database);
  }

  /** Puts back the oldest of them, each in a transaction of its own; returns how many. */
  int replay(int limit) {
    int replayed = 0;
    for (ParkedMessage parked : admin.parked(limit)) {
      if (admin.redriveAtFront(parked.id(), "operator", "tried again")) {
        replayed++;
      }
    }
    return replayed;
  }
}
