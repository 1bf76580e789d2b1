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
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.SocketException;
import java.security.cert.CertificateException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import javax.net.ssl.SSLPeerUnverifiedException;
import org.jspecify.annotations.Nullable;

/**
 * Classifies the client's failures. A failure counts as permanent only if code and text prove it,
 * since several codes stand both for a wrong setting and for a transient condition, such as a node
 * that is down.
 */
final class RabbitErrors {

  /** Text of the broker since 3.8. */
  private static final Pattern TOO_LARGE =
      Pattern.compile("message size \\d+ is larger than configured max size (\\d{1,18})");

  /** The reason for which a channel or connection was closed, as sent by the closing side. */
  record Close(int code, String text) {}

  private RabbitErrors() {}

  static SubscribeException subscribe(String what, Throwable failure) {
    if (failure instanceof SubscribeException known) {
      return known;
    }
    Close close = close(failure);
    boolean mismatch =
        close != null
            && (close.code() == AMQP.NOT_FOUND || close.code() == AMQP.PRECONDITION_FAILED);
    return new SubscribeException(
        mismatch ? "COMMS-RABBIT-002" : "COMMS-RABBIT-006",
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
        "COMMS-RABBIT-014",
        kind(failure),
        "attempt marker in " + queue + ": " + text(failure),
        failure);
  }

  /** A target that a binding must name, since it has no default. */
  static SubscribeException missingTarget(String what, String setting) {
    return new SubscribeException(
        "COMMS-RABBIT-018",
        FailureKind.PERMANENT,
        what + ": no target (expected: RabbitBinding." + setting + ")",
        null);
  }

  static FailureKind kind(Throwable failure) {
    Optional<CommsException> known = Failures.known(failure);
    if (known.isPresent()) {
      return known.get().kind();
    }
    Close close = close(failure);
    boolean permanent =
        close == null
            ? Failures.find(failure, AuthenticationFailureException.class).isPresent()
                || isTlsRefusal(failure)
            : isPermanent(close.code(), close.text());
    return permanent ? FailureKind.PERMANENT : FailureKind.TRANSIENT;
  }

  /**
   * Whether one side refuses the certificate, the name or the protocol of the other. A handshake
   * that ends with the connection proves nothing: the broker may be starting or stopping.
   */
  private static boolean isTlsRefusal(Throwable failure) {
    List<Throwable> chain = Failures.chain(failure);
    boolean connectionLost =
        chain.stream()
            .anyMatch(
                cause ->
                    cause instanceof EOFException
                        || cause instanceof SocketException
                        || cause instanceof InterruptedIOException);
    return !connectionLost
        && chain.stream()
            .anyMatch(
                cause ->
                    cause instanceof CertificateException
                        || cause instanceof SSLHandshakeException
                        || cause instanceof SSLPeerUnverifiedException
                        || isNoTls(cause));
  }

  private static boolean isNoTls(Throwable cause) {
    return cause instanceof SSLException
        && String.valueOf(cause.getMessage()).contains("unrecognized SSL message");
  }

  /** Compares with the texts of the broker since 3.8. */
  private static boolean isPermanent(int code, String text) {
    return switch (code) {
      // Also sent for a queue whose node is down or does not respond.
      case AMQP.NOT_FOUND -> text.contains(" no queue ") || text.contains(" no exchange ");
      // Also sent for an acknowledgement that took too long.
      case AMQP.PRECONDITION_FAILED -> !text.contains("timed out") && !text.contains("timeout");
      // Also sent for a queue with an exclusive consumer.
      case AMQP.ACCESS_REFUSED -> !isInExclusiveUse(text);
      // Also sent when a connection limit is reached.
      case AMQP.NOT_ALLOWED -> text.contains("vhost") && !text.contains("limit");
      case AMQP.NOT_IMPLEMENTED -> true;
      default -> false;
    };
  }

  /**
   * {@return whether a refused access is due to a queue's exclusive consumer; a missing right says
   * "access to queue" instead}
   */
  static boolean isInExclusiveUse(String text) {
    return text.startsWith("ACCESS_REFUSED - queue '");
  }

  /** {@return the broker's size limit if it closed a channel for a larger message, otherwise 0} */
  static long maxMessageSize(Throwable failure) {
    Close close = close(failure);
    Matcher matcher = TOO_LARGE.matcher(close == null ? "" : close.text());
    return close != null && close.code() == AMQP.PRECONDITION_FAILED && matcher.find()
        ? Long.parseLong(matcher.group(1))
        : 0;
  }

  /** {@return whether an object of the topology does not exist} */
  static boolean isNotFound(Throwable failure) {
    Close close = close(failure);
    return close != null && close.code() == AMQP.NOT_FOUND;
  }

  /** Throws a failure of the client again; returns it for the compiler if it is checked. */
  static IOException asThrown(Throwable failure) {
    if (failure instanceof RuntimeException unchecked) {
      throw unchecked;
    }
    if (failure instanceof Error error) {
      throw error;
    }
    return failure instanceof IOException io ? io : new IOException(failure);
  }

  /** {@return whether the broker has closed the channel and left the connection open} */
  static boolean closesChannelOnly(Throwable failure) {
    return Failures.find(failure, ShutdownSignalException.class)
        .filter(signal -> signal.getReason() instanceof AMQP.Channel.Close)
        .isPresent();
  }

  /** {@return the reason for which a channel or connection was closed, or null} */
  static @Nullable Close close(Throwable failure) {
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

  /** A normal close by this side does not explain a failure. */
  private static @Nullable Close closeUnlessNormal(int code, String text) {
    return code == AMQP.REPLY_SUCCESS ? null : new Close(code, text);
  }

  /** {@return the broker's own text if there is one, otherwise the texts of the causes} */
  static String text(Throwable failure) {
    Optional<NoHostException> perHost = Failures.find(failure, NoHostException.class);
    if (perHost.isPresent()) {
      return String.valueOf(perHost.get().getMessage());
    }
    Close close = close(failure);
    if (close != null) {
      return close.text();
    }
    List<String> texts = new ArrayList<>();
    for (Throwable cause : Failures.chain(failure)) {
      String own = ownText(cause);
      if (own != null && !texts.contains(own)) {
        texts.add(own);
      }
    }
    if (texts.isEmpty()) {
      List<Throwable> causes = Failures.chain(failure);
      return causes.get(causes.size() - 1).getClass().getSimpleName() + " without a message";
    }
    return String.join("; ", texts);
  }

  /** {@return the text of the exception itself, null if it only repeats its cause} */
  private static @Nullable String ownText(Throwable cause) {
    if (cause instanceof EOFException) {
      return "the other side closed the connection";
    }
    if (cause instanceof ChannelContinuationTimeoutException) {
      // Its own text contains user and address.
      return "no response from the broker (expected: one within operationTimeout)";
    }
    String message = cause.getMessage();
    Throwable next = Failures.cause(cause);
    if (message == null
        || (next != null && message.equals(next.toString()))
        || (cause instanceof ShutdownSignalException && message.equals("connection error"))) {
      return null;
    }
    return cause.getClass().getSimpleName() + ": " + message + hint(cause, message);
  }

  private static String hint(Throwable cause, String message) {
    if (isNoTls(cause)) {
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
