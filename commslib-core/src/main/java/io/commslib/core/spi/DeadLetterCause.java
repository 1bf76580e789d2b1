package io.commslib.core.spi;

import io.commslib.core.CommsException;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.TimeSource;
import java.io.PrintWriter;
import java.io.Writer;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Writes down why a record was given up, within the caps of {@link DeadLetterHeaders}. */
final class DeadLetterCause {

  private static final int MAX_TEXT_CHARS = 1_000;
  private static final int MAX_STACK_CHARS = 4_096;

  private DeadLetterCause() {}

  static Map<String, String> of(
      LaneEntry entry, String reason, SubscriptionConfig config, TimeSource time) {
    Map<String, String> cause = new LinkedHashMap<>();
    Duration age = Duration.ofNanos(time.nanoTime() - entry.receivedNanos);
    cause.put("reason", reason);
    cause.put("source", config.destination().toString());
    cause.put("group", config.group());
    cause.put("position", entry.raw.positionText());
    cause.put("received-at", time.now().minus(age).toString());
    cause.put("failed-at", time.now().toString());
    cause.put("attempts", Integer.toString(entry.attempts));
    cause.put("redrive-count", Integer.toString(DeadLetterHeaders.redriveCount(entry.raw.wire())));
    LaneEntry.Failures failures = entry.failures();
    Throwable failure = failures.last;
    cause.put("fingerprint", fingerprint(failure, reason));
    if (failure != null) {
      cause.put("first-cause", String.valueOf(failures.firstCause));
      cause.put("last-cause", text(failure));
      cause.put("stack", stack(failure));
    }
    return cause;
  }

  static String text(Throwable failure) {
    String message;
    try {
      message = String.valueOf(failure.getMessage());
    } catch (RuntimeException e) {
      message = "(message unavailable)";
    }
    String text = failure.getClass().getName() + ": " + message;
    return text.substring(0, Math.min(text.length(), MAX_TEXT_CHARS));
  }

  /**
   * Equal for failures of one class at one place; free of ids and values, which differ from message
   * to message.
   */
  private static String fingerprint(@Nullable Throwable failure, String reason) {
    if (failure == null) {
      return reason.substring(0, Math.min(reason.length(), 100));
    }
    StackTraceElement[] frames = failure.getStackTrace();
    String place =
        frames.length == 0 ? "" : "@" + frames[0].getClassName() + "." + frames[0].getMethodName();
    String code = failure instanceof CommsException known ? ":" + known.code() : "";
    return failure.getClass().getName() + code + place;
  }

  private static String stack(Throwable failure) {
    CappedWriter writer = new CappedWriter();
    try (PrintWriter printer = new PrintWriter(writer)) {
      failure.printStackTrace(printer);
    } catch (RuntimeException e) {
      // A throwable that can't print itself must not keep its message from the dead letters.
      return text(failure);
    }
    return writer.text.toString();
  }

  private static final class CappedWriter extends Writer {
    private final StringBuilder text = new StringBuilder();

    @Override
    public void write(char[] chars, int offset, int length) {
      text.append(chars, offset, Math.min(length, MAX_STACK_CHARS - text.length()));
    }

    @Override
    public void flush() {}

    @Override
    public void close() {}
  }
}
