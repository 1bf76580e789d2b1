package io.commslib.outbox;

import org.slf4j.Logger;

/** Says once that something fails and once that it goes on, however often it is tried between. */
final class OutageLog {

  private final Logger log;
  private final String who;
  private boolean failing;

  OutageLog(Logger log, String who) {
    this.log = log;
    this.who = who;
  }

  void failed(RuntimeException failure, boolean expected) {
    if (!failing && expected) {
      log.warn("{} waits: {}", who, failure.toString());
    } else if (!failing) {
      log.error("{} failed, goes on trying", who, failure);
    }
    failing = true;
  }

  void succeeded() {
    if (failing) {
      log.info("{} goes on", who);
    }
    failing = false;
  }
}
