package io.commslib.core.observe;

import io.commslib.core.Failures;
import io.commslib.core.time.CommsRuntime;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * The way from one part of the library to an operator: the observer and the log are called on a
 * thread of their own, in order, so that neither can delay the part. No method throws or blocks.
 * Thread-safe.
 */
public final class TroubleChannel implements AutoCloseable {

  private final String part;
  private final CommsObserver observer;
  private final CallbackQueue callbacks;
  private volatile boolean missed;

  /**
   * Creates a channel; its thread starts with the first event.
   *
   * @param runtime outlives the channel
   * @param observer is told of trouble
   * @param part name of the part, which each event carries
   */
  public TroubleChannel(CommsRuntime runtime, CommsObserver observer, String part) {
    this.part = part;
    this.observer = observer;
    this.callbacks = new CallbackQueue(runtime, part + "-observer");
  }

  /**
   * Starts an event of this part.
   *
   * @param kind of trouble
   * @return new builder
   */
  public Trouble.Builder about(Trouble.Kind kind) {
    return Trouble.builder(kind, part);
  }

  /**
   * Tells the observer.
   *
   * @param trouble the event without its text
   * @param text what has happened
   */
  public void report(Trouble.Builder trouble, String text) {
    if (observer == CommsObserver.none()) {
      return;
    }
    try {
      Trouble told = trouble.text(text).build();
      callbacks.add(() -> observer.onTrouble(told));
    } catch (Throwable e) {
      // For want of memory.
      missed = true;
    }
  }

  /**
   * Writes a line at WARN, with the stack trace if there is a failure.
   *
   * @param log of the class that writes
   * @param text what has happened
   * @param failure the reason, or null
   */
  public void log(Logger log, String text, @Nullable Throwable failure) {
    try {
      callbacks.add(() -> write(log, text, failure));
    } catch (Throwable e) {
      missed = true;
    }
  }

  private void write(Logger log, String text, @Nullable Throwable failure) {
    try {
      log.warn("{}: {}", part, text, failure);
    } catch (Throwable e) {
      // The failure is one whose own methods fail.
      log.warn("{}: {}: {}", part, text, failure == null ? "" : Failures.text(failure));
    }
  }

  /**
   * Returns the trouble with the observer or the log, for health.
   *
   * @return empty while nothing is
   */
  public String trouble() {
    String trouble = callbacks.trouble();
    return trouble.isEmpty() && missed ? "an event could not be told" : trouble;
  }

  /** Delivers the events that wait, unless a call hangs, and takes no more. Does not wait. */
  @Override
  public void close() {
    callbacks.close();
  }
}
