package io.commslib.outbox;

import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.core.observe.TroubleChannel;
import io.commslib.core.time.CommsRuntime;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * Events of a relay or a notifier for operators. The observer and the log are called on a thread of
 * their own, so that neither can delay a message. Never throws, never blocks. Thread-safe.
 */
final class OutboxEvents {

  private final TroubleChannel channel;

  OutboxEvents(CommsRuntime runtime, CommsObserver observer, String component) {
    this.channel = new TroubleChannel(runtime, observer, component);
  }

  /** An attempt of a row has failed, and another one will follow. */
  void attemptFailed(OutboxRow row, int attempt, Throwable failure, Duration delay) {
    channel.report(
        about(Trouble.Kind.ATTEMPT_FAILED, row, failure, attempt), "next attempt in " + delay);
  }

  void parked(OutboxRow row, int attempts, String code, Throwable failure) {
    channel.report(
        about(Trouble.Kind.PARKED, row, failure, attempts),
        "parked after " + attempts + (attempts == 1 ? " attempt, " : " attempts, ") + code);
  }

  /** Publishing to a destination pauses or continues. */
  void destination(boolean paused, String name, String text, @Nullable Throwable failure) {
    channel.report(about(paused).destination(name).failure(failure), text);
  }

  /** The component itself pauses or continues. */
  void component(boolean paused, String text, @Nullable Throwable failure) {
    channel.report(about(paused).failure(failure), text);
  }

  void stalled(String text) {
    channel.report(channel.about(Trouble.Kind.STALLED), text);
  }

  void failed(String text, @Nullable Throwable failure) {
    channel.report(channel.about(Trouble.Kind.COMPONENT_FAILED).failure(failure), text);
  }

  /** Logs a line, with the stack trace if there is a failure. */
  void log(Logger log, String text, @Nullable Throwable failure) {
    channel.log(log, text, failure);
  }

  private Trouble.Builder about(boolean paused) {
    return channel.about(paused ? Trouble.Kind.PAUSED : Trouble.Kind.RESUMED);
  }

  private Trouble.Builder about(Trouble.Kind kind, OutboxRow row, Throwable failure, int attempt) {
    return channel
        .about(kind)
        .destination(row.destination())
        .message(identity(row))
        .attempt(attempt)
        .failure(failure);
  }

  /** Computed immediately, because an event that waits for the observer must not keep a body. */
  private static String identity(OutboxRow row) {
    try {
      return row.message().identity();
    } catch (Throwable e) {
      return row.place();
    }
  }

  /** The failure of the observer or the log, in words; empty if there is none. */
  String trouble() {
    return channel.trouble();
  }

  void close() {
    channel.close();
  }
}
