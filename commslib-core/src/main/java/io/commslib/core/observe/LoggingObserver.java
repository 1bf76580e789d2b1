package io.commslib.core.observe;

import io.commslib.core.time.TimeSource;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Writes trouble to the log, at most ten lines a second; then how many were left out. */
final class LoggingObserver implements CommsObserver {

  private static final Logger log = LoggerFactory.getLogger(CommsObserver.class);
  private static final int MAX_LINES = 10;
  private static final long SECOND_NANOS = Duration.ofSeconds(1).toNanos();

  private final TimeSource time;
  private long secondBegan;
  private int lines;
  private long leftOut;

  LoggingObserver(TimeSource time) {
    this.time = time;
    this.secondBegan = time.nanoTime();
  }

  @Override
  public boolean observesDeliveries() {
    return false;
  }

  @Override
  public void onTrouble(Trouble trouble) {
    long before = admit();
    if (before < 0) {
      return;
    }
    if (before > 0) {
      log.warn("{} lines were left out, at most {} a second are written", before, MAX_LINES);
    }
    if (trouble.kind().isWarning()) {
      log.warn("{}", trouble);
    } else {
      log.info("{}", trouble);
    }
  }

  /** Returns how many lines were left out since the last one, or -1 to leave this one out. */
  private synchronized long admit() {
    long now = time.nanoTime();
    if (now - secondBegan >= SECOND_NANOS) {
      secondBegan = now;
      lines = 0;
    }
    if (lines >= MAX_LINES) {
      leftOut++;
      return -1;
    }
    lines++;
    long before = leftOut;
    leftOut = 0;
    return before;
  }
}
