package io.commslib.core.redrive;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes audit entries to the log. */
final class RedriveLog {

  private static final Logger log = LoggerFactory.getLogger(RedriveAudit.class);

  private RedriveLog() {}

  static void write(RedriveAudit.Entry entry) {
    log.info("{}", entry);
  }
}
