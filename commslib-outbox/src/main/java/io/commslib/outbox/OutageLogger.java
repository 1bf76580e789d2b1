package io.commslib.outbox;

import io.commslib.core.Failures;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reports once that a loop fails and once that it continues, however many passes fail in between.
 * Confined to the loop's thread.
 */
final class OutageLogger {

  private static final Logger log = LoggerFactory.getLogger(OutboxRelay.class);

  private final OutboxEvents events;
  private final String activity;
  private boolean failing;

  /**
   * Creates a logger for a loop that has not failed.
   *
   * @param activity the loop's work, such as {@code reading and publishing}
   */
  OutageLogger(OutboxEvents events, String activity) {
    this.events = events;
    this.activity = activity;
  }

  void failed(Throwable failure) {
    if (failing) {
      return;
    }
    failing = true;
    if (Failures.known(failure).isPresent()) {
      events.component(true, activity + " waits", failure);
    } else {
      events.failed(activity + " failed and is repeated", failure);
      events.log(log, activity + " failed", failure);
    }
  }

  void succeeded() {
    if (failing) {
      failing = false;
      events.component(false, activity + " continues", null);
    }
  }
}
