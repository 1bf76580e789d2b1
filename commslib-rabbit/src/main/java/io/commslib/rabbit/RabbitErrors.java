package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AuthenticationFailureException;
import com.rabbitmq.client.ShutdownSignalException;
import io.commslib.core.FailureKind;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.TransportException;

/** The one place that reads the client's failures. */
final class RabbitErrors {

  private static final int NOT_FOUND = 404;
  private static final int PRECONDITION_FAILED = 406;

  private RabbitErrors() {}

  static SubscribeException subscribe(String what, Throwable failure) {
    int code = replyCode(failure);
    boolean permanent =
        code == NOT_FOUND
            || code == PRECONDITION_FAILED
            || code == 403
            || failure instanceof AuthenticationFailureException;
    return new SubscribeException(
        code == PRECONDITION_FAILED || code == NOT_FOUND ? "COMMS-RABBIT-002" : "COMMS-RABBIT-006",
        permanent ? FailureKind.PERMANENT : FailureKind.TRANSIENT,
        what + ": " + text(failure),
        failure);
  }

  static TransportException operation(String what, Throwable failure) {
    return new TransportException(
        "COMMS-RABBIT-007", FailureKind.TRANSIENT, what + ": " + text(failure), failure);
  }

  private static int replyCode(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ShutdownSignalException signal
          && signal.getReason() instanceof AMQP.Channel.Close close) {
        return close.getReplyCode();
      }
    }
    return 0;
  }

  /** The broker's own words where there are any, else the client's. */
  static String text(Throwable failure) {
    for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
      if (cause instanceof ShutdownSignalException signal
          && signal.getReason() instanceof AMQP.Channel.Close close) {
        return close.getReplyText();
      }
    }
    return failure.getClass().getSimpleName()
        + (failure.getMessage() == null ? "" : ": " + failure.getMessage());
  }
}
