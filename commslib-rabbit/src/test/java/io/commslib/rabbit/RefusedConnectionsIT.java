package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.FailureKind;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.testkit.servers.RabbitServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Addresses without a broker, or with one that refuses the connection. */
class RefusedConnectionsIT {

  private static SubscribeException refusal(String uri) {
    RabbitTransportConfig config =
        RabbitTransportConfig.builder(uri).operationTimeout(Duration.ofSeconds(2)).build();
    try (RabbitTransport transport = RabbitTransport.create(config)) {
      DestinationConfig queue = DestinationConfig.builder(Destination.queue("refused")).build();
      return catchThrowableOfType(SubscribeException.class, () -> transport.declare(queue));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          amqp://guest:guest@BROKER/nope  | PERMANENT | NOT_ALLOWED - vhost nope not found
          amqp://guest:wrong@BROKER       | PERMANENT | Login was refused
          amqp://unknown:guest@BROKER     | PERMANENT | Login was refused
          amqps://guest:guest@BROKER      | PERMANENT | (the port does not speak TLS)
          amqp://guest:guest@127.0.0.1:1  | TRANSIENT | Connection refused
          amqp://guest:guest@no.invalid   | TRANSIENT | UnknownHostException: no.invalid
          """)
  void theErrorNamesItsCauseAndWhetherARetryMayHelp(String uri, FailureKind kind, String text) {
    String address = RabbitServer.shared().uri().replace("amqp://guest:guest@", "");
    SubscribeException refusal = refusal(uri.replace("BROKER", address));
    assertThat(refusal.kind()).isEqualTo(kind);
    assertThat(refusal)
        .hasMessageStartingWith("COMMS-RABBIT-006: connect to amqp")
        .hasMessageContaining(text);
  }

  private static String broker() {
    return RabbitServer.shared().uri().replace("amqp://guest:guest@", "");
  }

  /** The client's own parser would have connected to this broker, which is at localhost. */
  @Test
  void aHostWithUnderscoreIsNotLocalhost() {
    String port = broker().substring(broker().indexOf(':'));
    assertThat(refusal("amqp://guest:guest@my_rabbit" + port))
        .hasMessageStartingWith("COMMS-RABBIT-006: connect to amqp://my_rabbit" + port)
        .hasMessageContaining("UnknownHostException: my_rabbit");
  }

  @Test
  void severalHostsAreTriedInTurn() {
    String uri = "amqp://guest:guest@127.0.0.1:1,my_rabbit.invalid:2,";
    assertThat(refusal(uri + broker())).isNull();
    SubscribeException refusal = refusal(uri + "127.0.0.1:3/%2F");
    assertThat(refusal.kind()).isEqualTo(FailureKind.TRANSIENT);
    assertThat(refusal)
        .hasMessage(
            "COMMS-RABBIT-006: connect to"
                + " amqp://127.0.0.1:1,my_rabbit.invalid:2,127.0.0.1:3: 127.0.0.1:1:"
                + " ConnectException: Connection refused; my_rabbit.invalid:2:"
                + " UnknownHostException: my_rabbit.invalid; 127.0.0.1:3: ConnectException:"
                + " Connection refused");
  }

  /** Responses of a peer that is no broker; if empty, it sends nothing and stays connected. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          ''                           | no answer to the handshake
          close                        | the other side closed the connection
          HTTP/1.1 400 Bad Request     | (the port does not speak AMQP 0-9-1, or speaks TLS)
          \u0015\u0003\u0003\u0000\u0002\u0002F   | (the port does not speak AMQP 0-9-1, or speaks TLS)
          """)
  void aPeerThatIsNoBrokerIsNamed(String answer, String text) throws Exception {
    try (ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Thread peer = new Thread(() -> answer(server, answer), "peer");
      peer.setDaemon(true);
      peer.start();
      SubscribeException refusal = refusal("amqp://guest:guest@127.0.0.1:" + server.getLocalPort());
      assertThat(refusal.kind()).isEqualTo(FailureKind.TRANSIENT);
      assertThat(refusal).hasMessageContaining(text);
    }
  }

  private static void answer(ServerSocket server, String answer) {
    try {
      while (true) {
        Socket peer = server.accept();
        if (answer.equals("close")) {
          peer.close();
        } else if (!answer.isEmpty()) {
          peer.getOutputStream().write(answer.getBytes(StandardCharsets.ISO_8859_1));
          peer.getOutputStream().write(new byte[16]);
          peer.getOutputStream().flush();
        }
      }
    } catch (IOException e) {
      // The test is over.
      return;
    }
  }

  @Test
  void theDeadLettersOfAnUnknownGroupAreRefusedPermanently() {
    try (RabbitTransport transport =
        RabbitTransport.create(
            RabbitTransportConfig.builder(RabbitServer.shared().uri()).build())) {
      assertThat(
              catchThrowableOfType(
                  io.commslib.core.messaging.TransportException.class,
                  () -> transport.deadLetters().list(Destination.topic("unknown"), "g", 1)))
          .hasMessage(
              "COMMS-RABBIT-007: dead letters of unknown@g@.dlq: NOT_FOUND - no queue"
                  + " 'unknown@g@.dlq' in vhost '/'")
          .extracting(io.commslib.core.CommsException::kind)
          .isEqualTo(FailureKind.PERMANENT);
    }
  }
}
