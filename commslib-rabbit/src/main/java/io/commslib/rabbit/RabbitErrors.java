package io.commslib.rabbit;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AuthenticationFailureException;
import com.rabbitmq.client.ChannelContinuationTimeoutException;
import com.rabbitmq.client.MalformedFrameException;
import com.rabbitmq.client.Method;
import com.rabbitmq.client.ShutdownSignalException;
import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.TransportException;
import java.io.EOFException;
import java.security.cert.CertificateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import org.jspecify.annotations.Nullable;

/**
 * The one place that reads the client's failures. Permanent is what a code and its text prove:
 * several codes stand for a wrong setting and for something that passes, such as a node that is
 * down.
 */
final class RabbitErrors {

  /** As the broker words it since 3.8. */
  private static final Pattern TOO_LARGE =
      Pattern.compile("message size \\d+ is larger than configured max size (\\d{1,18})");

  /** Why a channel or connection ended, in the words of the side that ended it. */
  private record Close(int code, String text) {}

  private RabbitErrors() {}

  static SubscribeException subscribe(String what, Throwable failure) {
    Close close = close(failure);
    boolean unlike =
        close != null
            && (close.code() == AMQP.NOT_FOUND || close.code() == AMQP.PRECONDITION_FAILED);
    return new SubscribeException(
        unlike ? "COMMS-RABBIT-002" : "COMMS-RABBIT-006",
        kind(failure),
        what + ": " + text(failure),
        failure);
  }

  static TransportException operation(String what, Throwable failure) {
    return new TransportException(
        "COMMS-RABBIT-007", kind(failure), what + ": " + text(failure), failure);
  }

  static TransportException attemptMarker(String queue, Throwable failure) {
    return new TransportException(
        "COMMS-RABBIT-014", kind(failure), "note in " + queue + ": " + text(failure), failure);
  }

  static FailureKind kind(Throwable failure) {
    Optional<CommsException> known = Failures.known(failure);
    if (known.isPresent()) {
      return known.get().kind();
    }
    Close close = close(failure);
    boolean permanent =
        close == null
            ? Failures.chain(failure).stream()
                .anyMatch(
                    cause ->
                        cause instanceof AuthenticationFailureException
                            || cause instanceof CertificateException)
            : isPermanent(close.code(), close.text());
    return permanent ? FailureKind.PERMANENT : FailureKind.TRANSIENT;
  }

  /** Texts as the broker words them since 3.8. */
  private static boolean isPermanent(int code, String text) {
    return switch (code) {
      // Also said of a queue whose node is down, or that does not answer.
      case AMQP.NOT_FOUND -> text.contains(" no queue ") || text.contains(" no exchange ");
      // Also said of an acknowledgement that took too long.
      case AMQP.PRECONDITION_FAILED -> !text.contains("timed out") && !text.contains("timeout");
      // Also said of a queue that another consumer has for itself.
      case AMQP.ACCESS_REFUSED -> !text.contains("exclusive");
      // Also said when a limit of connections is reached.
      case AMQP.NOT_ALLOWED -> text.contains("vhost") && !text.contains("limit");
      case AMQP.NOT_IMPLEMENTED -> true;
      default -> false;
    };
  }

  /** The broker's limit in bytes if it ended a channel for a message larger than that, else 0. */
  static long maxMessageSize(Throwable failure) {
    Close close = close(failure);
    Matcher matcher = TOO_LARGE.matcher(close == null ? "" : close.text());
    return close != null && close.code() == AMQP.PRECONDITION_FAILED && matcher.find()
        ? Long.parseLong(matcher.group(1))
        : 0;
  }

  private static @Nullable Close close(Throwable failure) {
    for (Throwable cause : Failures.chain(failure)) {
      if (cause instanceof ShutdownSignalException signal) {
        Method reason = signal.getReason();
        if (reason instanceof AMQP.Channel.Close close) {
          return closeUnlessNormal(close.getReplyCode(), close.getReplyText());
        }
        if (reason instanceof AMQP.Connection.Close close) {
          return closeUnlessNormal(close.getReplyCode(), close.getReplyText());
        }
      }
    }
    return null;
  }

  /** A normal end, by this side, is no failure that explains anything. */
  private static @Nullable Close closeUnlessNormal(int code, String text) {
    return code == AMQP.REPLY_SUCCESS ? null : new Close(code, text);
  }

  /** The broker's own words where there are any, else those of the cause that has any. */
  static String text(Throwable failure) {
    Close close = close(failure);
    if (close != null) {
      return close.text();
    }
    List<String> words = new ArrayList<>();
    for (Throwable cause : Failures.chain(failure)) {
      String own = ownText(cause);
      if (own != null && !words.contains(own)) {
        words.add(own);
      }
    }
    if (words.isEmpty()) {
      List<Throwable> causes = Failures.chain(failure);
      return causes.get(causes.size() - 1).getClass().getSimpleName() + " without a message";
    }
    return String.join("; ", words);
  }

  /** What an exception itself says; null if it only repeats its cause. */
  private static @Nullable String ownText(Throwable cause) {
    if (cause instanceof EOFException) {
      return "the other side closed the connection";
    }
    if (cause instanceof ChannelContinuationTimeoutException) {
      // Its own text shows user and address.
      return "no answer of the broker (expected: one within operationTimeout)";
    }
    String message = cause.getMessage();
    Throwable behind = Failures.cause(cause);
    if (message == null
        || (behind != null && message.equals(behind.toString()))
        || (cause instanceof ShutdownSignalException && message.equals("connection error"))) {
      return null;
    }
    return cause.getClass().getSimpleName() + ": " + message + hint(cause, message);
  }

  private static String hint(Throwable cause, String message) {
    if (cause instanceof SSLException && message.contains("unrecognized SSL message")) {
      return " (the port does not speak TLS)";
    }
    boolean notAmqp =
        cause instanceof MalformedFrameException
            && (message.startsWith("Frame size is invalid")
                || message.startsWith("Bad frame end marker")
                || message.contains("protocol version mismatch"));
    return notAmqp ? " (the port does not speak AMQP 0-9-1, or speaks TLS)" : "";
  }
}
