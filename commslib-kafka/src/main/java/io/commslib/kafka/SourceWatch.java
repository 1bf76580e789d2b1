package io.commslib.kafka;

import io.commslib.core.observe.Trouble;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.ScheduledTask;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CompletionStage;
import java.util.function.BiConsumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Checks every few seconds whether the topic of a subscription exists. The client does not report a
 * deleted topic, and a member without partitions may simply be one of too many members.
 * Thread-safe.
 */
final class SourceWatch {

  /** The pause between an answer or a failure and the next check. */
  static final Duration PERIOD = Duration.ofSeconds(5);

  /** The time for which the topic must be missing; a topic recreated earlier is not reported. */
  static final Duration MISSING_LIMIT = Duration.ofSeconds(10);

  private final CommsRuntime runtime;
  private final String topic;
  private final Supplier<CompletionStage<?>> describe;
  private final BiConsumer<Trouble.Kind, String> observer;
  private volatile OptionalLong missingSinceNanos = OptionalLong.empty();
  private volatile String reason = "";
  private volatile boolean closed;
  private volatile @Nullable ScheduledTask next;

  /**
   * Creates a watch.
   *
   * @param describe requests the description of the topic
   * @param observer receives the loss of the topic and its return
   */
  SourceWatch(
      CommsRuntime runtime,
      String topic,
      Supplier<CompletionStage<?>> describe,
      BiConsumer<Trouble.Kind, String> observer) {
    this.runtime = runtime;
    this.topic = topic;
    this.describe = describe;
    this.observer = observer;
  }

  /** Schedules the first check; the topic has just been declared. */
  void start() {
    scheduleCheck();
  }

  private void check() {
    if (closed) {
      return;
    }
    try {
      describe.get().whenComplete((description, problem) -> answered(problem));
    } catch (Throwable e) {
      scheduleCheck();
    }
  }

  /** Runs on the client's thread: never throws. */
  private void answered(@Nullable Throwable problem) {
    try {
      if (!closed) {
        evaluate(problem);
      }
    } catch (Throwable e) {
      // No memory for a text: the next answer reports the same.
      missingSinceNanos = OptionalLong.empty();
    }
    scheduleCheck();
  }

  private void scheduleCheck() {
    try {
      if (!closed) {
        next = runtime.scheduler().schedule(PERIOD, this::check);
      }
    } catch (Throwable e) {
      // The runtime is closing, or memory is exhausted: the watch reports nothing from now on.
      reason = "";
    }
  }

  private void evaluate(@Nullable Throwable problem) {
    if (problem == null) {
      missingSinceNanos = OptionalLong.empty();
      if (!reason.isEmpty()) {
        reason = "";
        observer.accept(Trouble.Kind.RESUMED, "topic " + topic + " exists again");
      }
    } else if (KafkaErrors.isTopicUnknown(problem)) {
      long now = runtime.time().nanoTime();
      if (missingSinceNanos.isEmpty()) {
        missingSinceNanos = OptionalLong.of(now);
      } else if (reason.isEmpty()
          && now - missingSinceNanos.getAsLong() >= MISSING_LIMIT.toNanos()) {
        reason = "topic " + topic + " does not exist";
        observer.accept(Trouble.Kind.STALLED, reason);
      }
    }
    // Any other failure is not about the topic.
  }

  /** The reason why no message can arrive; empty if there is none. */
  String reason() {
    return reason;
  }

  void close() {
    closed = true;
    ScheduledTask task = next;
    if (task != null) {
      task.cancel();
    }
  }
}
