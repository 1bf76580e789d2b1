package io.commslib.testkit.faults;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.testkit.Await;
import io.commslib.testkit.faults.TcpFaultProxy.Direction;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class TcpFaultProxyTest {

  private static final Duration LIMIT = Duration.ofSeconds(20);

  private final List<Socket> accepted = new CopyOnWriteArrayList<>();
  private ServerSocket echoServer;
  private Thread acceptor;
  private TcpFaultProxy proxy;

  @BeforeEach
  void start() throws IOException {
    echoServer = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
    acceptor = thread(this::acceptAll);
    proxy = TcpFaultProxy.to((InetSocketAddress) echoServer.getLocalSocketAddress());
  }

  @AfterEach
  void stop() throws IOException {
    proxy.close();
    echoServer.close();
    for (Socket socket : accepted) {
      socket.close();
    }
    Await.until("no thread of the proxy is left", LIMIT, () -> proxyThreads() == 0);
  }

  private static long proxyThreads() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("commslib-testkit-proxy-"))
        .count();
  }

  @Test
  void forwardsBothWaysByteForByte() throws IOException {
    try (Socket client = connect()) {
      byte[] sent = new byte[300_000];
      new Random(1).nextBytes(sent);
      thread(() -> write(client, sent));
      assertThat(client.getInputStream().readNBytes(sent.length)).isEqualTo(sent);
      Await.until(
          "all bytes counted",
          LIMIT,
          () ->
              proxy.forwardedBytes(Direction.TO_SERVER) == sent.length
                  && proxy.forwardedBytes(Direction.TO_CLIENT) == sent.length);
    }
    Await.until("connection ended", LIMIT, () -> proxy.connections() == 0);
  }

  @Test
  void anOrderlyCloseOfTheClientLosesNoByteOfTheAnswer() throws IOException {
    try (Socket client = connect()) {
      write(client, new byte[50_000]);
      client.shutdownOutput();
      assertThat(client.getInputStream().readAllBytes()).hasSize(50_000);
    }
  }

  @Test
  void cutResetsOpenConnectionsAndAcceptsNewOnes() throws IOException {
    try (Socket client = connect()) {
      assertThat(echo(client, 1)).isEqualTo(1);
      proxy.cut();
      assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
      assertThat(proxy.connections()).isZero();
    }
    try (Socket client = connect()) {
      assertThat(echo(client, 2)).isEqualTo(2);
    }
  }

  @Test
  void cutAfterForwardsExactlyTheGivenBytes() throws IOException {
    try (Socket client = connect()) {
      proxy.cutAfter(Direction.TO_SERVER, 3);
      write(client, new byte[] {1, 2, 3, 4, 5});
      assertThatThrownBy(() -> client.getInputStream().readNBytes(5))
          .isInstanceOf(SocketException.class);
      assertThat(proxy.forwardedBytes(Direction.TO_SERVER)).isEqualTo(3);
    }
  }

  @Test
  void refusesNewConnectionsUntilHealed() throws IOException {
    try (Socket open = connect()) {
      assertThat(echo(open, 1)).isEqualTo(1);
      proxy.refuse();
      assertThatThrownBy(this::connect).isInstanceOf(IOException.class);
      assertThat(echo(open, 2)).isEqualTo(2);
    }
    proxy.heal();
    try (Socket client = connect()) {
      assertThat(echo(client, 3)).isEqualTo(3);
    }
  }

  @Test
  void blackHoleSwallowsAnswersUntilHealed() throws IOException {
    try (Socket client = connect()) {
      assertThat(echo(client, 1)).isEqualTo(1);
      proxy.blackHole(Direction.TO_CLIENT);
      client.setSoTimeout(150);
      client.getOutputStream().write(2);
      assertThatThrownBy(() -> client.getInputStream().read())
          .isInstanceOf(SocketTimeoutException.class);
      proxy.heal();
      client.setSoTimeout(20_000);
      assertThat(client.getInputStream().read()).isEqualTo(2);
    }
  }

  @Test
  void delayHoldsEachPiece() throws IOException {
    try (Socket client = connect()) {
      assertThat(echo(client, 1)).isEqualTo(1);
      proxy.delay(Duration.ofMillis(100));
      long start = System.nanoTime();
      assertThat(echo(client, 2)).isEqualTo(2);
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isGreaterThanOrEqualTo(Duration.ofMillis(200));
      proxy.heal();
    }
  }

  @Test
  void throttleBoundsTheRate() throws IOException {
    try (Socket client = connect()) {
      proxy.throttle(100_000);
      long start = System.nanoTime();
      thread(() -> write(client, new byte[30_000]));
      assertThat(client.getInputStream().readNBytes(30_000)).hasSize(30_000);
      assertThat(Duration.ofNanos(System.nanoTime() - start))
          .isGreaterThanOrEqualTo(Duration.ofMillis(250));
    }
  }

  @Test
  void halfCloseEndsOneDirectionInOrder() throws IOException {
    try (Socket client = connect()) {
      assertThat(echo(client, 1)).isEqualTo(1);
      proxy.halfClose(Direction.TO_CLIENT);
      assertThat(client.getInputStream().read()).isEqualTo(-1);
      client.getOutputStream().write(new byte[] {1, 2, 3});
      Await.until("requests go on", LIMIT, () -> proxy.forwardedBytes(Direction.TO_SERVER) == 4);
      assertThat(proxy.connections()).isEqualTo(1);
    }
  }

  @Test
  void resetsTheClientWhenTheServerIsUnreachable() throws Exception {
    echoServer.close();
    // Until then the kernel goes on taking connections for it.
    acceptor.join(LIMIT.toMillis());
    assertThatThrownBy(this::connectAndRead).isInstanceOf(SocketException.class);
  }

  private int connectAndRead() throws IOException {
    try (Socket client = connect()) {
      return client.getInputStream().read();
    }
  }

  @Test
  void closeCanBeRepeatedAndFreesThePort() throws IOException {
    int port = proxy.port();
    try (Socket client = connect()) {
      assertThat(echo(client, 1)).isEqualTo(1);
      proxy.close();
      proxy.close();
      assertThatThrownBy(() -> client.getInputStream().read()).isInstanceOf(SocketException.class);
    }
    ServerSocket again = new ServerSocket();
    again.setReuseAddress(true);
    again.bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    again.close();
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket();
    socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), proxy.port()), 5_000);
    socket.setSoTimeout(20_000);
    return socket;
  }

  private static int echo(Socket client, int value) throws IOException {
    client.getOutputStream().write(value);
    return client.getInputStream().read();
  }

  private static void write(Socket client, byte[] bytes) {
    try {
      client.getOutputStream().write(bytes);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  private static Thread thread(Runnable body) {
    Thread thread = new Thread(body, "proxy-test");
    thread.setDaemon(true);
    thread.start();
    return thread;
  }

  private void acceptAll() {
    while (!echoServer.isClosed()) {
      try {
        Socket socket = echoServer.accept();
        accepted.add(socket);
        thread(() -> echoAll(socket));
      } catch (IOException e) {
        return;
      }
    }
  }

  private static void echoAll(Socket socket) {
    try (socket) {
      socket.getInputStream().transferTo(socket.getOutputStream());
    } catch (IOException e) {
      // The connection was cut: that is what the tests do.
      return;
    }
  }
}
