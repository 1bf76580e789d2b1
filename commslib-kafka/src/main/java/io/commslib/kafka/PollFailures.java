package io.commslib.kafka;

import org.apache.kafka.common.KafkaException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The last failure on the poll thread, for the log and for health. The poll thread writes it, any
 * thread reads it.
 */
final class PollFailures {

  private static final Logger log = LoggerFactory.getLogger(PollLoop.class);

  private volatile String last = "";

  /** Logs and remembers a failure. Never throws: every failure of the poll thread ends here. */
  void report(String what, Throwable failure) {
    // The client sets the interrupt flag again. If it stayed set, every later call would fail
    // immediately.
    boolean interrupted = Thread.interrupted();
    try {
      last = KafkaErrors.text(failure);
      if (failure instanceof KafkaException) {
        log.warn("{}: {}{}", what, last, interrupted ? ", interrupted" : "");
      } else {
        log.error(what, failure);
      }
    } catch (Throwable e) {
      // There may be no memory for a text, or the failure's own text fails.
      last = what;
    }
  }

  void clear() {
    last = "";
  }

  /** The text of the last failure; empty after a pass without one. */
  String last() {
    return last;
  }
}
