package io.commslib.core.redrive;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The audit that goes to the log. */
final class RedriveLog {

  private static final Logger log = LoggerFactory.getLogger(RedriveAudit.class);

  private RedriveLog() {}

  static void write(RedriveAudit.Entry entry) {
    log.info(
        "{} {} {} of {} for group {}: selection {}, {} so far, by {}, because {}",
        entry.runId(),
        entry.action(),
        entry.phase(),
        entry.source(),
        entry.group(),
        entry.selection(),
        entry.count(),
        entry.actor(),
        entry.reason());
  }
}
