package io.commslib.kafka;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.SubscribeException;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.ByteBuffer;
import java.util.Locale;

/**
 * Explains a failure of a client without TLS at a port with TLS. The client takes the first bytes
 * of the TLS alert for the size of a response, 336 MiB, and has no setting that bounds it. It then
 * reports an exhausted heap or a timeout, and neither names the cause.
 */
final class TlsPort {

  private static final int LIMIT_MILLIS = 500;
  private static final int ALERT = 21;
  private static final short API_VERSIONS = 18;

  /** Size, request, its version, a correlation id, and no client id. */
  private static final byte[] REQUEST =
      ByteBuffer.allocate(14)
          .putInt(10)
          .putShort(API_VERSIONS)
          .putShort((short) 0)
          .putInt(0)
          .putShort((short) -1)
          .array();

  private TlsPort() {}

  /** Whether the client uses no TLS and the first address does. Blocks for at most a second. */
  static boolean speaksTls(KafkaTransportConfig config) {
    Object protocol = config.clientSettings().getOrDefault("security.protocol", "PLAINTEXT");
    if (String.valueOf(protocol).toUpperCase(Locale.ROOT).endsWith("SSL")) {
      return false;
    }
    String first = config.bootstrapServers().split(",", 2)[0];
    int colon = first.lastIndexOf(':');
    try (Socket socket = new Socket()) {
      int port = Integer.parseInt(first.substring(colon + 1));
      socket.connect(new InetSocketAddress(first.substring(0, colon), port), LIMIT_MILLIS);
      socket.setSoTimeout(LIMIT_MILLIS);
      // In one piece: an unread rest would make the server's close discard its alert.
      socket.getOutputStream().write(REQUEST);
      return socket.getInputStream().read() == ALERT;
    } catch (IOException | IllegalArgumentException e) {
      return false;
    }
  }

  static SubscribeException refused(KafkaTransportConfig config, SubscribeException failure) {
    return new SubscribeException(
        "COMMS-KAFKA-006",
        FailureKind.PERMANENT,
        config.bootstrapServers()
            + " speaks TLS (expected: clientSetting security.protocol SSL or SASL_SSL)",
        failure);
  }
}
