package io.commslib.outbox;

import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.core.spi.CallbackQueue;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * What a relay or a notifier tells an operator. The observer and the log are called on a thread of
 * their own, so that neither can hold up a message. Never throws, never blocks. Thread-safe.
 */
final class OutboxEvents {

  private final String part;
  private final CommsObserver observer;
  private final CallbackQueue callbacks;
  private volatile boolean missed;

  OutboxEvents(CommsRuntime runtime, CommsObserver observer, String part) {
    this.part = part;
    this.observer = observer;
    this.callbacks = new CallbackQueue(runtime, part + "-observer");
  }

  /** A row's attempt has failed, and there will be another one. */
  void attemptFailed(OutboxRow row, int attempt, Throwable failure, Duration delay) {
    tell(about(Trouble.Kind.ATTEMPT_FAILED, row, failure, attempt), "next attempt in " + delay);
  }

  void parked(OutboxRow row, int attempts, String code, Throwable failure) {
    tell(
        about(Trouble.Kind.PARKED, row, failure, attempts),
        "parked after " + attempts + (attempts == 1 ? " attempt, " : " attempts, ") + code);
  }

  /** Nothing is published to a destination for now, or it goes on. */
  void destination(boolean paused, String name, String text, @Nullable Throwable failure) {
    tell(
        Trouble.builder(paused ? Trouble.Kind.PAUSED : Trouble.Kind.RESUMED, part)
            .destination(name)
            .failure(failure),
        text);
  }

  /** The part itself pauses, or goes on. */
  void part(boolean paused, String text, @Nullable Throwable failure) {
    tell(
        Trouble.builder(paused ? Trouble.Kind.PAUSED : Trouble.Kind.RESUMED, part).failure(failure),
        text);
  }

  void stalled(String text) {
    tell(Trouble.builder(Trouble.Kind.STALLED, part), text);
  }

  void failed(String text, @Nullable Throwable failure) {
    tell(Trouble.builder(Trouble.Kind.PART_FAILED, part).failure(failure), text);
  }

  /** Writes a line, with the stack trace if there is a failure. */
  void log(Logger log, String text, @Nullable Throwable failure) {
    try {
      callbacks.add(() -> log.warn("{}: {}", part, text, failure));
    } catch (Throwable e) {
      missed = true;
    }
  }

  private Trouble.Builder about(Trouble.Kind kind, OutboxRow row, Throwable failure, int attempt) {
    return Trouble.builder(kind, part)
        .destination(row.destination())
        .message(identity(row))
        .attempt(attempt)
        .failure(failure);
  }

  /** Read now: what waits for the observer must hold no body. */
  private static String identity(OutboxRow row) {
    try {
      return row.message().identity();
    } catch (Throwable e) {
      return row.place();
    }
  }

  private void tell(Trouble.Builder builder, String text) {
    if (observer == CommsObserver.none()) {
      return;
    }
    try {
      Trouble trouble = builder.text(text).build();
      callbacks.add(() -> observer.onTrouble(trouble));
    } catch (Throwable e) {
      // For want of memory.
      missed = true;
    }
  }

  /** What is wrong with the observer or the log; empty if nothing is. */
  String trouble() {
    String trouble = callbacks.trouble();
    return trouble.isEmpty() && missed ? "an event could not be told" : trouble;
  }

  void close() {
    callbacks.close();
  }
}
