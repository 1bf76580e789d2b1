package io.commslib.kafka;

import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.ScheduledTask;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The topics that the producer did not find. The client waits for a missing topic on the publishing
 * thread; with this class only the first publish to the topic waits. The topics are checked
 * periodically until they are found. Thread-safe.
 */
final class MissingTopics {

  /** The pause between an answer and the next check. */
  static final Duration PERIOD = Duration.ofSeconds(1);

  /** The time after which a topic without publishes is forgotten. */
  static final Duration UNUSED_LIMIT = Duration.ofMinutes(10);

  private static final Logger log = LoggerFactory.getLogger(MissingTopics.class);

  private final CommsRuntime runtime;
  private final Function<Set<String>, Map<String, CompletionStage<?>>> describe;

  /** Replaced as a whole, so that a publish reads one field only. */
  private volatile Map<String, Missing> topics = Map.of();

  private boolean checkPending;
  private boolean closed;
  private @Nullable ScheduledTask next;

  /**
   * Creates an instance without topics.
   *
   * @param describe requests the descriptions of topics and returns a stage for each
   */
  MissingTopics(
      CommsRuntime runtime, Function<Set<String>, Map<String, CompletionStage<?>>> describe) {
    this.runtime = runtime;
    this.describe = describe;
  }

  /** The failure of a publish to a missing topic; empty for others. One read if none is missing. */
  Optional<Throwable> failure(String topic) {
    Map<String, Missing> now = topics;
    Missing missing = now.isEmpty() ? null : now.get(topic);
    if (missing == null) {
      return Optional.empty();
    }
    missing.usedNanos = runtime.time().nanoTime();
    // An earlier check may have failed to schedule the next one.
    scheduleCheck();
    return Optional.of(missing.failure);
  }

  /** The names of the topics. */
  Set<String> names() {
    return new TreeSet<>(topics.keySet());
  }

  /** Remembers a topic that was not found. */
  void add(String topic, Throwable failure) {
    if (put(topic, failure)) {
      log.warn(
          "topic {} is not found, publishes to it fail until it is found: {}",
          topic,
          failure.getMessage());
    }
    scheduleCheck();
  }

  private synchronized boolean put(String topic, Throwable failure) {
    Map<String, Missing> changed = new HashMap<>(topics);
    Missing missing = new Missing(failure, runtime.time().nanoTime());
    boolean added = changed.putIfAbsent(topic, missing) == null;
    topics = Map.copyOf(changed);
    return added;
  }

  private synchronized boolean remove(String topic) {
    Map<String, Missing> changed = new HashMap<>(topics);
    boolean removed = changed.remove(topic) != null;
    topics = Map.copyOf(changed);
    return removed;
  }

  private synchronized void scheduleCheck() {
    if (closed || checkPending || topics.isEmpty()) {
      return;
    }
    try {
      next = runtime.scheduler().schedule(PERIOD, this::check);
      checkPending = true;
    } catch (Throwable e) {
      // The runtime is closing, or there is no memory: the next publish to the topic tries again.
      log.debug("the check for missing topics could not be scheduled", e);
    }
  }

  private void check() {
    try {
      forgetUnused();
      Map<String, CompletionStage<?>> descriptions = describe.apply(topics.keySet());
      CompletableFuture<?>[] answers =
          descriptions.entrySet().stream()
              .map(
                  topic ->
                      topic
                          .getValue()
                          .whenComplete((answer, problem) -> answered(topic.getKey(), problem))
                          .toCompletableFuture())
              .toArray(CompletableFuture<?>[]::new);
      var unused = CompletableFuture.allOf(answers).whenComplete((all, problem) -> checked());
    } catch (Throwable e) {
      log.warn("the check for missing topics failed: {}", e.toString());
      checked();
    }
  }

  /** Removes a topic also after other failures: the producer reports those without a wait. */
  private void answered(String topic, @Nullable Throwable problem) {
    if ((problem == null || !KafkaErrors.isStillMissing(problem)) && remove(topic)) {
      log.info("topic {} is found again", topic);
    }
  }

  private void forgetUnused() {
    long now = runtime.time().nanoTime();
    topics.forEach(
        (topic, missing) -> {
          if (now - missing.usedNanos > UNUSED_LIMIT.toNanos()) {
            remove(topic);
          }
        });
  }

  private synchronized void checked() {
    checkPending = false;
    scheduleCheck();
  }

  synchronized void close() {
    closed = true;
    if (next != null) {
      next.cancel();
    }
  }

  private static final class Missing {
    private final Throwable failure;
    private volatile long usedNanos;

    Missing(Throwable failure, long usedNanos) {
      this.failure = failure;
      this.usedNanos = usedNanos;
    }
  }
}
