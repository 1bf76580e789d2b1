package io.commslib.core.observe;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.time.VirtualTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.slf4j.Marker;
import org.slf4j.event.Level;
import org.slf4j.helpers.LegacyAbstractLogger;
import org.slf4j.helpers.MessageFormatter;

class FailureLogTest {

  /** Keeps its lines, or throws. */
  private static final class Lines extends LegacyAbstractLogger {
    private static final long serialVersionUID = 1L;

    private final transient List<String> lines = new ArrayList<>();
    private boolean isBroken;

    @Override
    protected String getFullyQualifiedCallerName() {
      return "lines";
    }

    @Override
    protected void handleNormalizedLoggingCall(
        Level level, Marker marker, String text, Object[] arguments, Throwable failure) {
      if (isBroken) {
        throw new OutOfMemoryError("no memory for a line");
      }
      lines.add(level + " " + MessageFormatter.basicArrayFormat(text, arguments));
    }

    @Override
    public boolean isTraceEnabled() {
      return true;
    }

    @Override
    public boolean isDebugEnabled() {
      return true;
    }

    @Override
    public boolean isInfoEnabled() {
      return true;
    }

    @Override
    public boolean isWarnEnabled() {
      return true;
    }

    @Override
    public boolean isErrorEnabled() {
      return true;
    }
  }

  private final Lines lines = new Lines();
  private final VirtualTime time = VirtualTime.create();
  private final FailureLog log = new FailureLog(lines, time.time());

  @Test
  void aStormLogsTenLinesASecondAndTheNumberOfTheOthers() {
    for (int i = 1; i <= 1_000; i++) {
      log.error("failure " + i, null);
    }
    assertThat(lines.lines).hasSize(10).startsWith("ERROR failure 1").endsWith("ERROR failure 10");
    time.advance(Duration.ofSeconds(1));
    log.error("later", new IllegalStateException("x"));
    assertThat(lines.lines)
        .hasSize(12)
        .endsWith("WARN 990 failures were not logged", "ERROR later");
    time.advance(Duration.ofSeconds(1));
    log.error("last", null);
    assertThat(lines.lines).hasSize(13).endsWith("ERROR last");
  }

  @Test
  void aLoggerThatThrowsChangesNothing() {
    lines.isBroken = true;
    log.error("failure", null);
    lines.isBroken = false;
    log.error("next", null);
    assertThat(lines.lines).containsExactly("ERROR next");
  }
}
