package io.commslib.core.observe;

import io.commslib.core.Failures;
import io.commslib.core.time.CommsRuntime;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;

/**
 * Reports events of one component to the observer and the log. Both are called on a thread of their
 * own, in order, so that neither can delay the component. No method throws or blocks. Thread-safe.
 */
public final class TroubleChannel implements AutoCloseable {

  private final String component;
  private final CommsObserver observer;
  private final CallbackQueue callbacks;
  private volatile boolean missed;

  /**
   * Creates a channel; its thread starts with the first event.
   *
   * @param runtime outlives the channel
   * @param observer receives the events
   * @param component name of the component, which each event carries
   */
  public TroubleChannel(CommsRuntime runtime, CommsObserver observer, String component) {
    this.component = component;
    this.observer = observer;
    this.callbacks = new CallbackQueue(runtime, component + "-observer");
  }

  /**
   * Starts an event of this component.
   *
   * @param kind kind of the event
   * @return new builder
   */
  public Trouble.Builder about(Trouble.Kind kind) {
    return Trouble.builder(kind, component);
  }

  /**
   * Reports an event to the observer.
   *
   * @param trouble the event without its text
   * @param text description of the event
   */
  public void report(Trouble.Builder trouble, String text) {
    if (observer == CommsObserver.none()) {
      return;
    }
    try {
      Trouble event = trouble.text(text).build();
      callbacks.add(() -> observer.onTrouble(event));
    } catch (Throwable e) {
      // Usually an OutOfMemoryError.
      missed = true;
    }
  }

  /**
   * Writes a line at WARN, with the stack trace if there is a failure.
   *
   * @param log log of the calling class
   * @param text description of the event
   * @param failure the cause, or null
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
      log.warn("{}: {}", component, text, failure);
    } catch (Throwable e) {
      // The methods of the failure itself fail.
      log.warn("{}: {}: {}", component, text, failure == null ? "" : Failures.text(failure));
    }
  }

  /** {@return the trouble with the observer or the log, for health; empty if there is none} */
  public String trouble() {
    String trouble = callbacks.trouble();
    return trouble.isEmpty() && missed ? "an event could not be reported" : trouble;
  }

  /** Delivers the waiting events, unless a call hangs, and accepts no more. Does not wait. */
  @Override
  public void close() {
    callbacks.close();
  }
}
