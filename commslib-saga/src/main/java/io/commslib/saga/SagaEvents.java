package io.commslib.saga;

import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.observe.CommsObserver;
import io.commslib.core.observe.Trouble;
import io.commslib.core.observe.TroubleChannel;
import io.commslib.core.time.CommsRuntime;
import io.commslib.jdbc.SqlErrors;
import java.sql.SQLException;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The engine's reports to the observer and the log. Both are called on a thread of their own, so
 * that neither can delay a saga. Never throws, never blocks. Thread-safe.
 */
final class SagaEvents {

  private static final Logger log = LoggerFactory.getLogger(SagaEngine.class);

  private final TroubleChannel channel;

  SagaEvents(CommsRuntime runtime, CommsObserver observer) {
    this.channel = new TroubleChannel(runtime, observer, "saga");
  }

  /** Reports a saga that could not be woken and will be woken again. */
  void wakeFailed(String id, int attempt, Throwable failure, Duration wait) {
    channel.report(
        channel
            .about(Trouble.Kind.ATTEMPT_FAILED)
            .message(id)
            .attempt(attempt)
            .failure(withoutValues(failure)),
        "next attempt in " + wait);
  }

  /** Reports a parked saga with the reason in its history. */
  void parked(String id, int attempts, String reason, @Nullable Throwable cause) {
    SagaException coded =
        new SagaException(
            "COMMS-SAGA-005",
            FailureKind.PERMANENT,
            "saga " + id + " is parked: " + reason,
            cause == null ? null : withoutValues(cause));
    channel.report(
        channel.about(Trouble.Kind.PARKED).message(id).attempt(attempts).failure(coded), reason);
    if (cause != null) {
      channel.log(log, "saga " + id + " is parked: " + reason, withoutValues(cause));
    }
  }

  /** Reports a failure of the engine itself. */
  void componentFailed(String text, Throwable failure) {
    Throwable redacted = withoutValues(failure);
    channel.report(channel.about(Trouble.Kind.COMPONENT_FAILED).failure(redacted), text);
    channel.log(log, text, redacted);
  }

  /**
   * Returns the failure with the values removed that a database quotes. A failure of the database
   * may quote the state, whether the engine or a hook ran the statement. Other failures of a hook
   * belong to the application and stay unchanged.
   */
  static Throwable withoutValues(Throwable failure) {
    return Failures.find(failure, SQLException.class).isPresent()
        ? SqlErrors.withoutValues(failure)
        : failure;
  }

  /** {@return the problem of the observer or the log, empty if there is none} */
  String trouble() {
    return channel.trouble();
  }

  void close() {
    channel.close();
  }
}
