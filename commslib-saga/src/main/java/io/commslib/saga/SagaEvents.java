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
 * What the engine tells an operator. The observer and the log are called on a thread of their own,
 * so that neither can delay a saga. Never throws, never blocks. Thread-safe.
 */
final class SagaEvents {

  private static final Logger log = LoggerFactory.getLogger(SagaEngine.class);

  private final TroubleChannel channel;

  SagaEvents(CommsRuntime runtime, CommsObserver observer) {
    this.channel = new TroubleChannel(runtime, observer, "saga");
  }

  /** A saga could not be woken, and is woken again. */
  void failed(String id, int attempt, Throwable failure, Duration wait) {
    channel.report(
        channel
            .about(Trouble.Kind.ATTEMPT_FAILED)
            .message(id)
            .attempt(attempt)
            .failure(withoutValues(failure)),
        "next attempt in " + wait);
  }

  /** A saga is parked. The reason is that of its history. */
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

  /** A part of the engine has failed. */
  void failed(String text, Throwable failure) {
    Throwable told = withoutValues(failure);
    channel.report(channel.about(Trouble.Kind.COMPONENT_FAILED).failure(told), text);
    channel.log(log, text, told);
  }

  /**
   * A failure of the database, of the engine's own statements or of a hook's, may quote the state.
   * What else a hook throws is the application's own and stays as it is.
   */
  static Throwable withoutValues(Throwable failure) {
    return Failures.find(failure, SQLException.class).isPresent()
        ? SqlErrors.withoutValues(failure)
        : failure;
  }

  /** What is wrong with the observer or the log; empty if nothing is. */
  String trouble() {
    return channel.trouble();
  }

  void close() {
    channel.close();
  }
}
