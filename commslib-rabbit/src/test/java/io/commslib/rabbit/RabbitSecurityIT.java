package io.commslib.rabbit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.rabbitmq.client.DefaultSaslConfig;
import io.commslib.core.FailureKind;
import io.commslib.core.Health;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.testkit.Await;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.commslib.testkit.servers.SecureRabbitServer;
import io.commslib.testkit.servers.TestCertificates;
import io.commslib.testkit.servers.TestCertificates.Holder;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** TLS, client certificates and permissions, all on one secured node. */
class RabbitSecurityIT {

  private static final String SECRET = "SECRET4711";
  private static final Duration LIMIT = Duration.ofSeconds(20);
  private static final Destination QUEUE = Destination.queue("secured");

  private static SecureRabbitServer server;

  @BeforeAll
  static void start() {
    SecureRabbitServer.Builder definitions =
        SecureRabbitServer.builder()
            .virtualHost("shop")
            .user("orders", SECRET)
            .permissions("orders", "shop", ".*", ".*", ".*")
            .user(TestCertificates.CLIENT_NAME, SECRET)
            .permissions(TestCertificates.CLIENT_NAME, "shop", ".*", ".*", ".*");
    RabbitRights.addTo(definitions);
    server = definitions.start();
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  private static KeyStore store(Path file) throws GeneralSecurityException, IOException {
    return KeyStore.getInstance(file.toFile(), TestCertificates.PASSWORD.toCharArray());
  }

  /** Trusts the authority of the tests, and has the certificate of a holder. */
  private static SSLContext tls(Holder holder) {
    try {
      TrustManagerFactory trust = TrustManagerFactory.getInstance("PKIX");
      trust.init(store(TestCertificates.shared().trustStore()));
      KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
      keys.init(
          store(TestCertificates.shared().keyStore(holder)),
          TestCertificates.PASSWORD.toCharArray());
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(keys.getKeyManagers(), trust.getTrustManagers(), null);
      return context;
    } catch (GeneralSecurityException | IOException e) {
      throw new AssertionError(e);
    }
  }

  private static String uri(String login, String host, int port, String virtualHost) {
    return "amqps://" + login + "@" + host + ":" + port + "/" + virtualHost;
  }

  private static RabbitTransportConfig.Builder trusting(String uri) {
    return RabbitTransportConfig.builder(uri)
        .operationTimeout(Duration.ofSeconds(5))
        .nativeSettings(factory -> factory.useSslProtocol(tls(Holder.OTHER_HOST)));
  }

  private static RabbitTransportConfig.Builder orders(String host) {
    return trusting(uri("orders:" + SECRET, host, server.port(), "shop"));
  }

  private static RabbitTransportConfig.Builder certified(Holder holder) {
    return RabbitTransportConfig.builder(uri("ignored", server.host(), server.port(), "shop"))
        .nativeSettings(
            factory -> {
              factory.useSslProtocol(tls(holder));
              factory.setSaslConfig(DefaultSaslConfig.EXTERNAL);
            });
  }

  @Test
  void loginsByPasswordAndByCertificatePublishAndConsume() {
    for (RabbitTransportConfig.Builder client :
        List.of(orders("127.0.0.1:1," + server.host()), certified(Holder.CLIENT))) {
      CompletableFuture<String> handled = new CompletableFuture<>();
      try (RabbitTransport transport = RabbitTransport.create(client.build())) {
        transport.declare(DestinationConfig.builder(QUEUE).build());
        transport
            .subscriber()
            .subscribe(
                SubscriptionConfig.builder(QUEUE).build(),
                delivery -> {
                  handled.complete(delivery.message().id());
                  return Settlement.done();
                });
        assertThat(
                transport
                    .publisher()
                    .publish(QUEUE, Message.builder("t").id("m").build())
                    .toCompletableFuture())
            .succeedsWithin(LIMIT);
        assertThat(handled).succeedsWithin(LIMIT);
        assertThat(transport.health().status()).isEqualTo(Health.Status.UP);
      }
    }
  }

  /** An identity with the certificate of the client, which the test may replace. */
  private static TlsIdentity identity(Path folder, SystemRuntime runtime) {
    TestCertificates certificates = TestCertificates.shared();
    Path chain = folder.resolve("tls.crt");
    Path key = folder.resolve("tls.key");
    certificates.install(Holder.CLIENT, chain, key);
    return TlsIdentity.builder(chain, key, certificates.authority(), runtime)
        .checkInterval(Duration.ofMillis(100))
        .build();
  }

  @Test
  void anIdentityLogsInAndItsRenewalReachesNewConnections(@TempDir Path folder) throws Exception {
    try (SystemRuntime runtime = SystemRuntime.create();
        TlsIdentity identity = identity(folder, runtime);
        TcpFaultProxy proxy =
            TcpFaultProxy.to(new InetSocketAddress(server.host(), server.port()))) {
      RabbitTransportConfig.Builder config =
          RabbitTransportConfig.builder(uri("ignored", "127.0.0.1", proxy.port(), "shop"))
              .operationTimeout(Duration.ofSeconds(5))
              .tls(identity)
              .nativeSettings(factory -> factory.setSaslConfig(DefaultSaslConfig.EXTERNAL));
      assertThat(config.build().toString()).endsWith(", tls=tls-identity}");
      RabbitTransportConfig.Builder plain =
          RabbitTransportConfig.builder("amqp://h:1").tls(identity);
      assertThatThrownBy(plain::build)
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessage("tls: amqp://h:1 (expected: a URI with amqps)");
      try (RabbitTransport transport = RabbitTransport.create(config.build())) {
        transport.declare(DestinationConfig.builder(QUEUE).build());
        assertThat(
                transport
                    .publisher()
                    .publish(QUEUE, Message.builder("t").id("identity").build())
                    .toCompletableFuture())
            .succeedsWithin(LIMIT);
        TestCertificates.shared()
            .install(Holder.OTHER_HOST, folder.resolve("tls.crt"), folder.resolve("tls.key"));
        Await.until("the renewal is taken", () -> identity.generation() == 2);
        proxy.cut();
        // The broker takes it for another user now, who does not exist.
        Await.until(
            "its next connection is refused",
            LIMIT,
            () ->
                transport.health().status() == Health.Status.DOWN
                    && transport.health().reason().contains("Login was refused"));
      }
    }
  }

  @Test
  void wrongNameAndExpiredAreRefused(@TempDir Path folder) throws Exception {
    try (SystemRuntime runtime = SystemRuntime.create();
        TlsIdentity identity = identity(folder, runtime);
        SSLServerSocket expired = expired()) {
      refused(
          orders(server.otherHost()).nativeSettings(factory -> {}).tls(identity),
          "No subject alternative names matching IP address " + server.otherHost() + " found");
      refused(
          RabbitTransportConfig.builder(
                  uri("orders:" + SECRET, "127.0.0.1", expired.getLocalPort(), "shop"))
              .operationTimeout(Duration.ofSeconds(5))
              .tls(identity),
          "NotAfter: ");
    }
  }

  /** The broker is refused permanently, and health states why. */
  private static void refused(RabbitTransportConfig.Builder config, String text) {
    try (RabbitTransport transport = RabbitTransport.create(config.build())) {
      SubscribeException refusal =
          catchThrowableOfType(
              SubscribeException.class,
              () -> transport.declare(DestinationConfig.builder(QUEUE).build()));
      assertThat(refusal)
          .hasMessageStartingWith("COMMS-RABBIT-006: connect to amqp")
          .hasMessageContaining(text);
      assertThat(refusal.kind()).isEqualTo(FailureKind.PERMANENT);
      Await.until(
          "health states it",
          LIMIT,
          () ->
              transport.health().status() == Health.Status.DOWN
                  && transport.health().reason().contains(text));
    }
  }

  @Test
  void aWrongHostNameIsRefused() {
    refused(
        orders(server.otherHost()),
        "No subject alternative names matching IP address " + server.otherHost() + " found");
  }

  @Test
  void anExpiredCertificateIsRefused() throws Exception {
    try (SSLServerSocket expired = expired()) {
      refused(
          trusting(uri("orders:" + SECRET, "127.0.0.1", expired.getLocalPort(), "shop")),
          "NotAfter: ");
    }
  }

  /** A port with an expired certificate. */
  private static SSLServerSocket expired() throws IOException {
    SSLServerSocket expired =
        (SSLServerSocket)
            tls(Holder.EXPIRED)
                .getServerSocketFactory()
                .createServerSocket(0, 10, InetAddress.getLoopbackAddress());
    Thread peer = new Thread(() -> shakeHands(expired), "expired");
    peer.setDaemon(true);
    peer.start();
    return expired;
  }

  private static void shakeHands(SSLServerSocket server) {
    while (!server.isClosed()) {
      try (Socket client = server.accept()) {
        client.getInputStream().read();
      } catch (IOException e) {
        // The client refuses the handshake, or the test is over.
        continue;
      }
    }
  }

  @Test
  void anUnknownAuthorityIsRefused() {
    refused(
        RabbitTransportConfig.builder(
            uri("orders:" + SECRET, server.host(), server.port(), "shop")),
        "unable to find valid certification path to requested target");
  }

  @Test
  void aWrongLoginCertificateOrVirtualHostIsRefused() {
    refused(
        trusting(uri("orders:wrong", server.host(), server.port(), "shop")), "Login was refused");
    refused(
        trusting(uri("orders:" + SECRET, server.host(), server.port(), "nope")),
        "NOT_ALLOWED - vhost nope not found");
    refused(
        trusting(uri("orders:" + SECRET, server.host(), server.port(), RabbitRights.VIRTUAL_HOST)),
        "NOT_ALLOWED - access to vhost 'rights' refused for user 'orders'");
    refused(certified(Holder.OTHER_HOST), "Login was refused");
  }

  @Test
  void theLeastRightsSuffice() throws Exception {
    RabbitRights rights =
        new RabbitRights(
            server,
            (user, virtualHost) ->
                trusting(
                    uri(
                        user + ":" + RabbitRights.PASSWORD,
                        server.host(),
                        server.port(),
                        virtualHost)));
    rights.check();
    rights.checkBinding();
  }

  @Test
  void noFailureShowsASecret() {
    int port = server.port();
    List<RabbitTransportConfig.Builder> configs =
        new ArrayList<>(
            List.of(
                trusting(uri("orders:x" + SECRET, server.host(), port, "shop")),
                trusting(uri("orders:" + SECRET, server.host(), port, "nope")),
                trusting(uri("orders:" + SECRET, server.host(), port, "rights")),
                trusting(uri("orders:" + SECRET, server.otherHost(), port, "shop")),
                trusting(uri("orders:" + SECRET, "my_rabbit.invalid", port, "shop")),
                trusting(uri("orders:" + SECRET, "127.0.0.1:1,[::1]", 1, "shop")),
                RabbitTransportConfig.builder(uri("orders:" + SECRET, server.host(), port, "shop")),
                RabbitTransportConfig.builder(
                    "amqp://orders:" + SECRET + "@" + server.host() + ":" + port + "/shop"),
                trusting(uri("orders:x", server.host(), port, "shop"))
                    .nativeSettings(factory -> factory.setPassword(SECRET)),
                trusting(uri("orders:" + SECRET, server.host(), port, "shop"))
                    .nativeSettings(
                        factory -> {
                          factory.useSslProtocol(tls(Holder.CLIENT));
                          factory.setSaslConfig(mechanisms -> null);
                        })));
    PrintStream console = System.err;
    ByteArrayOutputStream log = new ByteArrayOutputStream();
    System.setErr(new PrintStream(log, true, StandardCharsets.UTF_8));
    StringWriter shown = new StringWriter();
    try (PrintWriter out = new PrintWriter(shown)) {
      for (RabbitTransportConfig.Builder config : configs) {
        RabbitTransportConfig built = config.operationTimeout(Duration.ofSeconds(2)).build();
        out.println(built);
        fail(built, out);
      }
      for (String uri :
          List.of(
              "amqp://orders:" + SECRET + "^@h",
              "amqp://orders:" + SECRET + "@h:x",
              "amqp://orders:" + SECRET + "/x@h",
              "amqp://" + SECRET + ":1/x@h",
              "orders:" + SECRET)) {
        try {
          RabbitTransportConfig.builder(uri);
        } catch (IllegalArgumentException e) {
          e.printStackTrace(out);
        }
      }
    } finally {
      System.setErr(console);
    }
    assertThat(shown.toString()).contains("COMMS-RABBIT-006", "uri");
    assertThat(shown.toString().lines().filter(line -> line.contains(SECRET))).isEmpty();
    assertThat(log.toString(StandardCharsets.UTF_8).lines().filter(line -> line.contains(SECRET)))
        .isEmpty();
  }

  /** Prints all that a failing transport tells. */
  private static void fail(RabbitTransportConfig config, PrintWriter out) {
    try (RabbitTransport transport = RabbitTransport.create(config)) {
      out.println(transport);
      try {
        transport.declare(DestinationConfig.builder(QUEUE).build());
      } catch (SubscribeException e) {
        e.printStackTrace(out);
      }
      out.println(transport.health().reason() + transport.health().details());
    }
  }
}
