package io.commslib.core.engine;

import io.commslib.core.Failures;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.TimeSource;
import io.commslib.core.wire.DeadLetterHeaders;
import java.time.Duration;
import java.util.Collections;
import java.util.IdentityHashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** Describes the cause of a dead letter, within the limits of {@link DeadLetterHeaders}. */
final class DeadLetterCause {

  private static final int MAX_TEXT_CHARS = 1_000;
  private static final int MAX_STACK_CHARS = 4_096;
  private static final int MAX_CAUSES = 20;
  private static final int MAX_FRAMES = 40;

  private DeadLetterCause() {}

  static Map<String, String> of(
      LaneEntry entry, String reason, SubscriptionConfig config, String handler, TimeSource time) {
    Map<String, String> cause = new LinkedHashMap<>();
    Duration age = Duration.ofNanos(time.nanoTime() - entry.receivedNanos);
    cause.put("reason", cut(reason, MAX_TEXT_CHARS));
    cause.put("source", config.destination().toString());
    cause.put("group", config.group());
    cause.put("handler", handler);
    DeferredRetryHeaders.partition(entry.raw)
        .ifPresent(partition -> cause.put("partition", partition));
    cause.put("position", DeferredRetryHeaders.position(entry.raw));
    entry.raw.laneKey().ifPresent(key -> cause.put("key", key));
    Message message = entry.message;
    if (message != null) {
      cause.put("message-id", message.id());
      cause.put("message-source", message.source());
      message.time().ifPresent(made -> cause.put("time", made.toString()));
    }
    cause.put(
        "received-at",
        DeferredRetryHeaders.receivedAt(entry.raw)
            .orElseGet(() -> time.now().minus(age).toString()));
    cause.put("failed-at", time.now().toString());
    cause.put("attempts", Integer.toString(entry.handlerRuns));
    cause.put("redrive-count", Integer.toString(DeadLetterHeaders.redriveCount(entry.raw.wire())));
    LaneEntry.History history = entry.history();
    Throwable failure = history.lastFailure;
    cause.put("fingerprint", fingerprint(failure, reason));
    if (failure != null) {
      cause.put("first-cause", String.valueOf(history.firstCause));
      cause.put("last-cause", Failures.text(failure));
      cause.put("stack", stack(failure));
    }
    return cause;
  }

  /**
   * Identifies a cause: equal for failures of one class at one place in the code. Contains no ids
   * and values, which differ from message to message. A wrapper that only carries another failure
   * is ignored.
   */
  static String fingerprint(@Nullable Throwable failure, String reason) {
    if (failure == null) {
      return cut(reason, 100);
    }
    Throwable carried = Failures.unwrapped(failure);
    StackTraceElement[] frames = frames(carried);
    String place =
        frames.length == 0 ? "" : "@" + frames[0].getClassName() + "." + frames[0].getMethodName();
    String code = Failures.known(failure).map(known -> ":" + known.code()).orElse("");
    return carried.getClass().getName() + code + place;
  }

  /** Like {@code printStackTrace}, but bounded for any chain of causes. */
  private static String stack(Throwable failure) {
    StringBuilder text = new StringBuilder(MAX_STACK_CHARS);
    Set<Throwable> seen = Collections.newSetFromMap(new IdentityHashMap<>());
    Throwable next = failure;
    while (next != null && seen.size() < MAX_CAUSES && text.length() < MAX_STACK_CHARS) {
      if (!seen.add(next)) {
        text.append("Caused by: (in a cycle) ").append(next.getClass().getName());
        break;
      }
      text.append(next == failure ? "" : "Caused by: ").append(Failures.text(next)).append('\n');
      StackTraceElement[] frames = frames(next);
      for (int i = 0; i < Math.min(frames.length, MAX_FRAMES); i++) {
        text.append("\tat ").append(frames[i]).append('\n');
      }
      next = Failures.cause(next);
    }
    return cut(text.toString(), MAX_STACK_CHARS);
  }

  private static StackTraceElement[] frames(Throwable failure) {
    try {
      StackTraceElement[] frames = failure.getStackTrace();
      return frames == null ? new StackTraceElement[0] : frames;
    } catch (Throwable e) {
      return new StackTraceElement[0];
    }
  }

  private static String cut(String text, int max) {
    return text.substring(0, Math.min(text.length(), max));
  }
}
