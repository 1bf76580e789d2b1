package io.commslib.saga;

import io.commslib.core.FailureKind;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.core.spi.CallbackQueue;
import io.commslib.core.spi.Failures;
import io.commslib.core.time.CommsRuntime;
import io.commslib.jdbc.SqlErrors;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What the engine tells an operator. The observer and the log are called on a thread of their own,
 * so that neither can delay a saga. Never throws, never blocks. Thread-safe.
 */
final class SagaEvents {

  private static final Logger log = LoggerFactory.getLogger(SagaEngine.class);
  private static final String PART = "saga";

  private final CommsObserver observer;
  private final CallbackQueue callbacks;
  private volatile boolean missed;

  SagaEvents(CommsRuntime runtime, CommsObserver observer) {
    this.observer = observer;
    this.callbacks = new CallbackQueue(runtime, PART + "-observer");
  }

  /** A saga could not be woken, and is woken again. */
  void failed(String id, int attempt, Throwable failure, Duration wait) {
    tell(
        Trouble.builder(Trouble.Kind.ATTEMPT_FAILED, PART)
            .message(id)
            .attempt(attempt)
            .failure(tellable(failure)),
        "next attempt in " + wait);
  }

  /** A saga is parked. The reason is that of its history. */
  void parked(String id, int attempts, String reason, @Nullable Throwable cause) {
    SagaException coded =
        new SagaException(
            "COMMS-SAGA-005",
            FailureKind.PERMANENT,
            "saga " + id + " is parked: " + reason,
            cause == null ? null : tellable(cause));
    tell(
        Trouble.builder(Trouble.Kind.PARKED, PART).message(id).attempt(attempts).failure(coded),
        reason);
    if (cause != null) {
      log("saga " + id + " is parked: " + reason, tellable(cause));
    }
  }

  /** A part of the engine has failed. */
  void failed(String text, Throwable failure) {
    Throwable told = tellable(failure);
    tell(Trouble.builder(Trouble.Kind.PART_FAILED, PART).failure(told), text);
    log(text, told);
  }

  /**
   * A failure of the database, of the engine's own statements or of a hook's, may quote the state.
   * What else a hook throws is the application's own and stays as it is.
   */
  static Throwable tellable(Throwable failure) {
    return Failures.find(failure, SQLException.class).isPresent()
        ? SqlErrors.withoutValues(failure)
        : failure;
  }

  private void log(String text, Throwable failure) {
    try {
      callbacks.add(() -> log(text, failure, log));
    } catch (Throwable e) {
      missed = true;
    }
  }

  private static void log(String text, Throwable failure, Logger to) {
    try {
      to.warn("{}", text, failure);
    } catch (Throwable e) {
      // The exception is one whose own methods fail.
      to.warn("{}: {}", text, Failures.text(failure));
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
