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
 * Asks every few seconds whether the topic that a subscription reads exists. The client goes on
 * without a word when it is deleted, and a member without partitions may just be one too many.
 * Thread-safe.
 */
final class SourceWatch {

  /** Between an answer or a failure and the next question. */
  static final Duration PERIOD = Duration.ofSeconds(5);

  /** How long the topic must be missing: one that is made again at once is no trouble. */
  static final Duration MISSING_LIMIT = Duration.ofSeconds(10);

  private final CommsRuntime runtime;
  private final String topic;
  private final Supplier<CompletionStage<?>> describe;
  private final BiConsumer<Trouble.Kind, String> observer;
  private volatile OptionalLong missingSinceNanos = OptionalLong.empty();
  private volatile String reason = "";
  private volatile boolean closed;
  private volatile @Nullable ScheduledTask next;

  /** With the question, and with the observer of the topic's end and of its return. */
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

  /** Asks for the first time in a while: the topic has just been declared. */
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

  /** Runs on the thread of the client, which must not see anything thrown. */
  private void answered(@Nullable Throwable problem) {
    try {
      if (!closed) {
        evaluate(problem);
      }
    } catch (Throwable e) {
      // No memory for a text: the next answer says the same.
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
    // Whatever else is wrong says nothing of the topic.
  }

  /** Why no message can come, or empty. */
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
