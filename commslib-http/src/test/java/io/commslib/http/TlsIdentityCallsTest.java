package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallException;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.time.SystemRuntime;
import io.commslib.core.tls.PeerIdentity;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.http.server.ClientCertificate;
import io.commslib.http.server.HttpAnswer;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.HttpServerComponent;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.TestCertificates;
import io.commslib.testkit.servers.TestCertificates.Holder;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.http.HttpClient;
import java.nio.file.Path;
import java.security.KeyStore;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Services and servers with an identity whose files change. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class TlsIdentityCallsTest {

  private static final int LARGE = 4 * 1024 * 1024;
  private static final int CHANGES = 8;

  private final HttpFixture fixture = new HttpFixture();
  private final SystemRuntime runtime = SystemRuntime.platformThreads();
  private final List<AutoCloseable> open = new ArrayList<>();
  private final CountDownLatch entered = new CountDownLatch(1);
  private final CountDownLatch released = new CountDownLatch(1);
  private final AtomicInteger held = new AtomicInteger();
  @TempDir Path folder;

  @AfterEach
  void close() throws Exception {
    released.countDown();
    for (int i = open.size() - 1; i >= 0; i--) {
      open.get(i).close();
    }
    fixture.close();
    runtime.close();
  }

  private void write(String name, Holder holder) {
    TestCertificates.shared()
        .install(holder, folder.resolve(name + ".crt"), folder.resolve(name + ".key"));
  }

  private TlsIdentity identity(String name, Holder holder) {
    write(name, holder);
    TlsIdentity identity =
        TlsIdentity.builder(
                folder.resolve(name + ".crt"),
                folder.resolve(name + ".key"),
                TestCertificates.shared().authority(),
                runtime)
            .name(name)
            .checkInterval(Duration.ofMillis(100))
            .build();
    open.add(identity::close);
    return identity;
  }

  private void change(TlsIdentity identity, Holder holder) {
    long before = identity.generation();
    write(identity.name().substring("tls-".length()), holder);
    Await.until("the change is taken", () -> identity.generation() > before);
  }

  private URI server(TlsIdentity identity, ClientCertificate clients) {
    HttpRoutes routes =
        HttpRoutes.builder(runtime)
            .route(
                "GET /peer",
                request ->
                    HttpAnswer.noContent()
                        .withHeader(
                            "X-Peer", request.peer().map(PeerIdentity::subject).orElse("none")))
            .route(
                "GET /held",
                request -> {
                  held.incrementAndGet();
                  entered.countDown();
                  released.await();
                  return HttpAnswer.noContent()
                      .withHeader("X-Peer", request.peer().orElseThrow().subject());
                })
            .route(
                "GET /large",
                request ->
                    HttpAnswer.of(200).withBytes("application/octet-stream", new byte[LARGE]))
            .build();
    HttpServerComponent server =
        HttpServerComponent.builder("secure", routes, runtime)
            .host("127.0.0.1")
            .tls(identity, clients)
            .build();
    server.start();
    open.add(server::close);
    return URI.create("https://localhost:" + server.port());
  }

  private HttpService service(URI uri, TlsIdentity identity) {
    return HttpService.builder("secure", uri).tls(identity).build(fixture.resilience);
  }

  private static String peer(HttpService service) {
    return service.get("/peer").reply().header("X-Peer").orElse("");
  }

  private static String subject(TlsIdentity identity) {
    return PeerIdentity.of(identity.certificate()).subject();
  }

  @Test
  void aRotatedCertificateReachesPooledConnections() throws Exception {
    URI uri = server(identity("server", Holder.SERVER), ClientCertificate.REQUIRED);
    TlsIdentity client = identity("client", Holder.CLIENT);
    HttpService service = service(uri, client);
    assertThat(peer(service)).isEqualTo("CN=" + TestCertificates.CLIENT_NAME);
    AtomicBoolean over = new AtomicBoolean();
    AtomicInteger calls = new AtomicInteger();
    Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    List<Thread> callers = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      Thread caller =
          new Thread(
              () -> {
                while (!over.get()) {
                  try {
                    peer(service);
                    calls.incrementAndGet();
                  } catch (Throwable e) {
                    failures.add(e);
                  }
                }
              });
      callers.add(caller);
      caller.start();
    }
    for (int i = 0; i < CHANGES; i++) {
      change(client, i % 2 == 0 ? Holder.OTHER_HOST : Holder.CLIENT);
      assertThat(peer(service)).isEqualTo(subject(client));
    }
    over.set(true);
    for (Thread caller : callers) {
      caller.join();
    }
    assertThat(failures).isEmpty();
    assertThat(calls).hasValueGreaterThan(CHANGES);
  }

  @Test
  void aCallInFlightEndsOnTheConnectionOfBefore() throws Exception {
    URI uri = server(identity("server", Holder.SERVER), ClientCertificate.REQUIRED);
    TlsIdentity client = identity("client", Holder.CLIENT);
    // One attempt for each call, however slow the machine is: a repetition has a new connection.
    fixture
        .resilience
        .guard("secure")
        .replacePolicy(
            CallPolicy.builder()
                .deadline(Duration.ofSeconds(40))
                .attemptTimeout(Duration.ofSeconds(40))
                .without(CallPolicy.Part.RETRY)
                .build());
    HttpService service = service(uri, client);
    Queue<String> answers = new ConcurrentLinkedQueue<>();
    Thread caller =
        new Thread(() -> answers.add(service.get("/held").reply().header("X-Peer").orElse("none")));
    caller.start();
    entered.await();
    int bytes =
        service.get("/large").stream(
            in -> {
              int first = in.readNBytes(1).length;
              // Its connection is then idle, and a client that stays would use it again.
              assertThat(peer(service)).isEqualTo("CN=" + TestCertificates.CLIENT_NAME);
              change(client, Holder.OTHER_HOST);
              assertThat(peer(service)).isEqualTo("CN=other");
              return first + in.readAllBytes().length;
            });
    assertThat(bytes).isEqualTo(LARGE);
    released.countDown();
    caller.join();
    assertThat(answers).containsExactly("CN=" + TestCertificates.CLIENT_NAME);
    assertThat(held).as("calls on the connection of before").hasValue(1);
  }

  /** A server of the JDK with the certificate of a holder, which an identity would refuse. */
  private URI plainServer(Holder holder) throws Exception {
    char[] password = TestCertificates.PASSWORD.toCharArray();
    KeyManagerFactory keys = KeyManagerFactory.getInstance("PKIX");
    keys.init(
        KeyStore.getInstance(TestCertificates.shared().keyStore(holder).toFile(), password),
        password);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(keys.getKeyManagers(), null, null);
    HttpsServer server =
        HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(context));
    server.start();
    open.add(() -> server.stop(0));
    return URI.create("https://localhost:" + server.getAddress().getPort());
  }

  private static void assertRefused(HttpService service, String cause) {
    CallException failure =
        catchThrowableOfType(CallException.class, () -> service.get("/peer").send());
    assertThat(failure.outcome().certainty()).isEqualTo(SendCertainty.NOT_SENT);
    assertThat(failure.attempts()).as("a repetition would fail too").isOne();
    assertThat(failure).hasStackTraceContaining(cause);
  }

  @Test
  void wrongNameAndExpiredAreRefused() throws Exception {
    TlsIdentity client = identity("client", Holder.CLIENT);
    assertRefused(service(plainServer(Holder.OTHER_HOST), client), "localhost");
    assertRefused(service(plainServer(Holder.EXPIRED), client), "Expired");
  }

  @Test
  void aServerAsksForCertificatesAsItIsConfigured() throws Exception {
    TlsIdentity server = identity("server", Holder.SERVER);
    TlsIdentity client = identity("client", Holder.CLIENT);
    SSLContext anonymous = SSLContext.getInstance("TLS");
    anonymous.init(null, new javax.net.ssl.TrustManager[] {client.trustManager()}, null);
    for (ClientCertificate asked : ClientCertificate.values()) {
      URI uri = server(server, asked);
      assertThat(peer(service(uri, client)))
          .isEqualTo(
              asked == ClientCertificate.NONE ? "none" : "CN=" + TestCertificates.CLIENT_NAME);
      HttpService without =
          HttpService.builder("without-" + asked, uri)
              .client(HttpClient.newBuilder().sslContext(anonymous).build())
              .build(fixture.resilience);
      if (asked == ClientCertificate.REQUIRED) {
        assertThatThrownBy(() -> peer(without)).isInstanceOf(CallException.class);
      } else {
        assertThat(peer(without)).isEqualTo("none");
      }
    }
  }

  @Test
  void newConnectionsOfAServerGetItsNewCertificate() throws Exception {
    TlsIdentity server = identity("server", Holder.SERVER);
    URI uri = server(server, ClientCertificate.OPTIONAL);
    TlsIdentity client = identity("client", Holder.CLIENT);
    HttpService before = service(uri, client);
    before.get("/peer").send();
    change(server, Holder.OTHER_HOST);
    before.get("/peer").send();
    assertRefused(service(uri, client), "localhost");
  }

  @Test
  void aClientThatIsPassedInKeepsItsOwn() throws Exception {
    TlsIdentity client = identity("client", Holder.CLIENT);
    HttpService.Builder both =
        HttpService.builder("both", URI.create("https://localhost"))
            .client(HttpClient.newHttpClient())
            .tls(client);
    assertThatThrownBy(() -> both.build(fixture.resilience))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("tls: set (expected: not set with client, which has its own)");
  }
}
