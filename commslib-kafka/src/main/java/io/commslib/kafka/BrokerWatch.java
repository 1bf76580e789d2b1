package io.commslib.kafka;

import io.commslib.core.Failures;
import io.commslib.core.time.CommsRuntime;
import io.commslib.core.time.ScheduledTask;
import io.commslib.core.time.TimeSource;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.apache.kafka.common.errors.AuthorizationException;
import org.apache.kafka.common.errors.UnsupportedVersionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Probes the cluster every few seconds with one small request for each transport, whatever the
 * number of its subscriptions. A process that only consumes thereby detects a dead cluster, which
 * its consumers do not report. The result depends on the age of the last answer, so that a hanging
 * probe, or a thread that no longer sends probes, is reported too. Thread-safe.
 */
final class BrokerWatch {

  /** The pause between an answer or a failure and the next probe. */
  static final Duration PERIOD = Duration.ofSeconds(2);

  /** The time after which a probe without an answer has failed. */
  static final Duration PROBE_LIMIT = Duration.ofSeconds(5);

  private static final Duration SILENCE_LIMIT = PERIOD.plus(PROBE_LIMIT).plusSeconds(1);
  private static final Logger log = LoggerFactory.getLogger(BrokerWatch.class);

  private final CommsRuntime runtime;
  private final TimeSource time;
  private final String servers;
  private final Supplier<CompletionStage<?>> probe;
  private volatile long answeredNanos;
  private volatile String failure = "";
  private volatile boolean refused;
  private volatile boolean closed;
  private volatile @Nullable ScheduledTask next;

  BrokerWatch(CommsRuntime runtime, String servers, Supplier<CompletionStage<?>> probe) {
    this.runtime = runtime;
    this.time = runtime.time();
    this.servers = servers;
    this.probe = probe;
    this.answeredNanos = time.nanoTime();
  }

  /** Sends the first probe. */
  void start() {
    sendProbe();
  }

  private void sendProbe() {
    if (closed) {
      return;
    }
    try {
      probe.get().whenComplete((answer, problem) -> answered(problem));
    } catch (Throwable e) {
      answered(e);
    }
  }

  /** Runs on the client's thread: never throws. */
  private void answered(@Nullable Throwable problem) {
    try {
      evaluate(problem);
    } catch (Throwable e) {
      failure = "its probe failed";
    }
    try {
      if (!closed) {
        next = runtime.scheduler().schedule(PERIOD, this::sendProbe);
      }
    } catch (Throwable e) {
      // The runtime is closing, or there is no memory: the age of the last answer shows it.
      failure = "its probe can't be scheduled";
    }
  }

  private void evaluate(@Nullable Throwable problem) {
    Throwable cause = problem == null ? null : Failures.unwrapped(problem);
    if (cause == null
        || cause instanceof AuthorizationException
        || cause instanceof UnsupportedVersionException) {
      // A cluster that rejects the probe is reachable.
      answeredNanos = time.nanoTime();
      if (!failure.isEmpty() && !closed) {
        log.info("the Kafka cluster at {} answers again", servers);
      }
      failure = "";
    } else if (!closed) {
      boolean first = failure.isEmpty();
      refused = KafkaErrors.isFailedAuthentication(cause);
      failure = KafkaErrors.text(cause);
      if (first) {
        log.warn("the Kafka cluster at {} does not answer: {}", servers, failure);
      }
    }
  }

  /** The reason why the cluster counts as down; empty if it is up. */
  String reason() {
    String problem = failure;
    Duration age = answerAge();
    if (problem.isEmpty() && age.compareTo(SILENCE_LIMIT) <= 0) {
      return "";
    }
    if (refused && !problem.isEmpty()) {
      return "authentication with the Kafka cluster at " + servers + " failed: " + problem;
    }
    return "the Kafka cluster at "
        + servers
        + " has not answered for "
        + age.toSeconds()
        + " s"
        + (problem.isEmpty() ? "" : ": " + problem);
  }

  /** The age of the last answer, or of this watch before the first answer. */
  Duration answerAge() {
    return Duration.ofNanos(Math.max(0, time.nanoTime() - answeredNanos));
  }

  void close() {
    closed = true;
    ScheduledTask task = next;
    if (task != null) {
      task.cancel();
    }
  }
}
