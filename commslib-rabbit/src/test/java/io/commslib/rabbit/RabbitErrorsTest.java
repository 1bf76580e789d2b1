package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;

import com.rabbitmq.client.AMQP;
import com.rabbitmq.client.AuthenticationFailureException;
import com.rabbitmq.client.MalformedFrameException;
import com.rabbitmq.client.PossibleAuthenticationFailureException;
import com.rabbitmq.client.ShutdownSignalException;
import io.commslib.core.FailureKind;
import java.io.EOFException;
import java.io.IOException;
import java.net.ConnectException;
import java.security.cert.CertificateException;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeoutException;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLHandshakeException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class RabbitErrorsTest {

  private record Row(int code, FailureKind kind, String text) {}

  /** What the broker says when it ends a channel or a connection. */
  private static List<Row> rows() {
    FailureKind permanentKind = FailureKind.PERMANENT;
    FailureKind transientKind = FailureKind.TRANSIENT;
    return List.of(
        new Row(AMQP.CONTENT_TOO_LARGE, transientKind, "CONTENT_TOO_LARGE - too large"),
        new Row(AMQP.NO_ROUTE, transientKind, "NO_ROUTE"),
        new Row(AMQP.NO_CONSUMERS, transientKind, "NO_CONSUMERS"),
        new Row(
            AMQP.ACCESS_REFUSED,
            permanentKind,
            "ACCESS_REFUSED - access to queue 'q' in vhost '/' refused for user 'u'"),
        new Row(
            AMQP.ACCESS_REFUSED,
            transientKind,
            "ACCESS_REFUSED - queue 'q' in vhost '/' in exclusive use"),
        new Row(
            AMQP.ACCESS_REFUSED,
            permanentKind,
            "ACCESS_REFUSED - access to queue 'exclusive-orders' in vhost '/' refused for user 'u'"),
        new Row(AMQP.NOT_FOUND, permanentKind, "NOT_FOUND - no queue 'q' in vhost '/'"),
        new Row(AMQP.NOT_FOUND, permanentKind, "NOT_FOUND - no exchange 'e' in vhost '/'"),
        new Row(
            AMQP.NOT_FOUND,
            transientKind,
            "NOT_FOUND - home node 'n@h' of durable queue 'q' in vhost '/' is down or inaccessible"),
        new Row(
            AMQP.NOT_FOUND,
            transientKind,
            "NOT_FOUND - failed to perform operation on queue 'q' in vhost '/' due to timeout"),
        new Row(
            AMQP.RESOURCE_LOCKED,
            transientKind,
            "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue 'q'"),
        new Row(
            AMQP.PRECONDITION_FAILED,
            permanentKind,
            "PRECONDITION_FAILED - inequivalent arg 'durable' for queue 'q' in vhost '/': received 'true' but current is 'false'"),
        new Row(
            AMQP.PRECONDITION_FAILED,
            transientKind,
            "PRECONDITION_FAILED - delivery acknowledgement on channel 1 timed out. Timeout value used: 1800000 ms"),
        new Row(
            AMQP.CONNECTION_FORCED,
            transientKind,
            "CONNECTION_FORCED - broker forced connection closure with reason 'shutdown'"),
        new Row(AMQP.INVALID_PATH, transientKind, "INVALID_PATH"),
        new Row(AMQP.FRAME_ERROR, transientKind, "FRAME_ERROR - frame_too_large"),
        new Row(AMQP.SYNTAX_ERROR, transientKind, "SYNTAX_ERROR"),
        new Row(AMQP.COMMAND_INVALID, transientKind, "COMMAND_INVALID"),
        new Row(AMQP.CHANNEL_ERROR, transientKind, "CHANNEL_ERROR - expected 'channel.open'"),
        new Row(AMQP.UNEXPECTED_FRAME, transientKind, "UNEXPECTED_FRAME"),
        new Row(AMQP.RESOURCE_ERROR, transientKind, "RESOURCE_ERROR"),
        new Row(AMQP.NOT_ALLOWED, permanentKind, "NOT_ALLOWED - vhost nope not found"),
        new Row(
            AMQP.NOT_ALLOWED,
            permanentKind,
            "NOT_ALLOWED - access to vhost 'v' refused for user 'u'"),
        new Row(
            AMQP.NOT_ALLOWED,
            transientKind,
            "NOT_ALLOWED - access to vhost 'v' refused for user 'u': connection limit (1) is reached"),
        new Row(AMQP.NOT_ALLOWED, transientKind, "NOT_ALLOWED - attempt to reuse consumer tag 'c'"),
        new Row(AMQP.NOT_IMPLEMENTED, permanentKind, "NOT_IMPLEMENTED - immediate=true"),
        new Row(
            AMQP.INTERNAL_ERROR,
            transientKind,
            "INTERNAL_ERROR - access to vhost 'v' refused for user 'u': vhost 'v' is down"));
  }

  @ParameterizedTest
  @MethodSource("rows")
  void aFailureOfTheBrokerIsPermanentOnlyIfItsTextProvesIt(Row row) {
    AMQP.Channel.Close channel =
        new AMQP.Channel.Close.Builder().replyCode(row.code()).replyText(row.text()).build();
    AMQP.Connection.Close connection =
        new AMQP.Connection.Close.Builder().replyCode(row.code()).replyText(row.text()).build();
    for (ShutdownSignalException signal :
        List.of(
            new ShutdownSignalException(false, false, channel, "channel"),
            new ShutdownSignalException(true, false, connection, "connection"))) {
      for (Throwable failure : List.of(signal, new IOException(signal))) {
        assertThat(RabbitErrors.subscribe("what", failure).kind()).isEqualTo(row.kind());
        assertThat(RabbitErrors.operation("what", failure).kind()).isEqualTo(row.kind());
        assertThat(RabbitErrors.subscribe("what", failure))
            .hasMessageEndingWith("what: " + row.text());
      }
    }
  }

  @Test
  void theTableHasEveryCodeOfTheProtocol() {
    TreeSet<Integer> codes = new TreeSet<>();
    Arrays.stream(AMQP.class.getFields())
        .filter(field -> field.getType() == int.class && !field.getName().startsWith("FRAME_"))
        .forEach(
            field -> {
              try {
                codes.add(field.getInt(null));
              } catch (IllegalAccessException e) {
                throw new IllegalStateException(e);
              }
            });
    codes.add(AMQP.FRAME_ERROR);
    codes.remove(AMQP.REPLY_SUCCESS);
    codes.removeIf(code -> code < 300);
    assertThat(rows().stream().map(Row::code).distinct().toList())
        .containsExactlyInAnyOrderElementsOf(codes);
  }

  private static void check(Throwable failure, FailureKind kind, String text) {
    assertThat(RabbitErrors.kind(failure)).isEqualTo(kind);
    assertThat(RabbitErrors.text(failure)).isEqualTo(text);
  }

  @Test
  void anyOtherFailureIsPermanentOnlyIfLoginOrCertificateIsRefused() {
    check(
        new AuthenticationFailureException("ACCESS_REFUSED - no"),
        FailureKind.PERMANENT,
        "AuthenticationFailureException: ACCESS_REFUSED - no");
    SSLHandshakeException untrusted = new SSLHandshakeException("no path");
    untrusted.initCause(new CertificateException("expired"));
    check(
        untrusted,
        FailureKind.PERMANENT,
        "SSLHandshakeException: no path; CertificateException: expired");
    check(
        new PossibleAuthenticationFailureException("possibly"),
        FailureKind.TRANSIENT,
        "PossibleAuthenticationFailureException: possibly");
    check(
        new ConnectException("Connection refused"),
        FailureKind.TRANSIENT,
        "ConnectException: Connection refused");
    check(
        new SSLHandshakeException("Received fatal alert: certificate_required"),
        FailureKind.PERMANENT,
        "SSLHandshakeException: Received fatal alert: certificate_required");
    SSLHandshakeException cut = new SSLHandshakeException("Remote host terminated the handshake");
    cut.initCause(new EOFException("SSL peer shut down incorrectly"));
    check(
        cut,
        FailureKind.TRANSIENT,
        "SSLHandshakeException: Remote host terminated the handshake; the other side closed the"
            + " connection");
    check(
        new SSLException("Unsupported or unrecognized SSL message"),
        FailureKind.PERMANENT,
        "SSLException: Unsupported or unrecognized SSL message (the port does not speak TLS)");
  }

  @Test
  void anExceptionWithoutMessageIsNotTheWholeText() {
    ShutdownSignalException signal = new ShutdownSignalException(true, false, null, "connection");
    signal.initCause(new EOFException());
    check(
        new IOException((String) null, signal),
        FailureKind.TRANSIENT,
        "the other side closed the connection");
    check(
        new IOException(
            new MalformedFrameException("AMQP protocol version mismatch; we are 0-9-1")),
        FailureKind.TRANSIENT,
        "MalformedFrameException: AMQP protocol version mismatch; we are 0-9-1"
            + " (the port does not speak AMQP 0-9-1, or speaks TLS)");
    check(
        new IOException("no answer to the handshake", new TimeoutException()),
        FailureKind.TRANSIENT,
        "IOException: no answer to the handshake");
    check(
        new IOException((String) null, new IOException()),
        FailureKind.TRANSIENT,
        "IOException without a message");
  }
}
