package io.commslib.core.observe;

import io.commslib.core.time.TimeSource;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes trouble to the log, at most ten lines a second, then the number of omitted lines. */
final class LoggingObserver implements CommsObserver {

  private static final Logger log = LoggerFactory.getLogger(CommsObserver.class);
  private static final int MAX_LINES = 10;
  private static final long SECOND_NANOS = Duration.ofSeconds(1).toNanos();

  private final TimeSource time;
  private long secondStart;
  private int lines;
  private long omitted;

  LoggingObserver(TimeSource time) {
    this.time = time;
    this.secondStart = time.nanoTime();
  }

  @Override
  public boolean observesDeliveries() {
    return false;
  }

  @Override
  public boolean observesCalls() {
    return false;
  }

  @Override
  public void onTrouble(Trouble trouble) {
    long before = admit();
    if (before < 0) {
      return;
    }
    if (before > 0) {
      log.warn("{} lines were omitted; at most {} a second are written", before, MAX_LINES);
    }
    if (trouble.kind().isWarning()) {
      log.warn("{}", trouble);
    } else {
      log.info("{}", trouble);
    }
  }

  /** Returns the number of lines omitted since the last one, or -1 to omit this one. */
  private synchronized long admit() {
    long now = time.nanoTime();
    if (now - secondStart >= SECOND_NANOS) {
      secondStart = now;
      lines = 0;
    }
    if (lines >= MAX_LINES) {
      omitted++;
      return -1;
    }
    lines++;
    long before = omitted;
    omitted = 0;
    return before;
  }
}
