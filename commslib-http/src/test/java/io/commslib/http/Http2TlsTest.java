package io.commslib.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.SendCertainty;
import io.commslib.core.call.CallException;
import io.commslib.testkit.servers.TestCertificates;
import io.commslib.testkit.servers.TestCertificates.Holder;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.security.KeyStore;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.eclipse.jetty.alpn.server.ALPNServerConnectionFactory;
import org.eclipse.jetty.http2.server.HTTP2ServerConnectionFactory;
import org.eclipse.jetty.server.Handler;
import org.eclipse.jetty.server.HttpConfiguration;
import org.eclipse.jetty.server.HttpConnectionFactory;
import org.eclipse.jetty.server.Request;
import org.eclipse.jetty.server.Response;
import org.eclipse.jetty.server.SecureRequestCustomizer;
import org.eclipse.jetty.server.Server;
import org.eclipse.jetty.server.ServerConnector;
import org.eclipse.jetty.server.SslConnectionFactory;
import org.eclipse.jetty.util.Callback;
import org.eclipse.jetty.util.ssl.SslContextFactory;
import org.eclipse.jetty.util.thread.QueuedThreadPool;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** HTTP/2 as client and server choose it within the handshake of TLS (ALPN). */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class Http2TlsTest {

  private static final int CALLS = 32;

  private final HttpFixture fixture = new HttpFixture();
  private final List<Server> servers = new ArrayList<>();
  private final HoldingHandler handler = new HoldingHandler();
  private HttpClient client;

  /** Records the versions; answers all held requests once the last one has arrived. */
  private static final class HoldingHandler extends Handler.Abstract {
    private final CountDownLatch missing = new CountDownLatch(CALLS);
    private final Queue<Callback> held = new ConcurrentLinkedQueue<>();
    private final Queue<String> versions = new ConcurrentLinkedQueue<>();

    @Override
    public boolean handle(Request request, Response response, Callback callback) {
      versions.add(request.getConnectionMetaData().getHttpVersion().asString());
      response.setStatus(204);
      if (!request.getHttpURI().getPath().equals("/held")) {
        callback.succeeded();
        return true;
      }
      held.add(callback);
      missing.countDown();
      if (missing.getCount() == 0) {
        held.forEach(Callback::succeeded);
      }
      return true;
    }
  }

  @BeforeEach
  void trustTheAuthority() throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    try (InputStream in = Files.newInputStream(TestCertificates.shared().trustStore())) {
      trusted.load(in, TestCertificates.PASSWORD.toCharArray());
    }
    TrustManagerFactory managers =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    managers.init(trusted);
    SSLContext tls = SSLContext.getInstance("TLS");
    tls.init(null, managers.getTrustManagers(), null);
    client = HttpClient.newBuilder().sslContext(tls).build();
  }

  @AfterEach
  void close() throws Exception {
    for (Server server : servers) {
      server.stop();
    }
    fixture.close();
  }

  private ServerConnector start(Holder holder) throws Exception {
    SslContextFactory.Server identity = new SslContextFactory.Server();
    identity.setKeyStorePath(TestCertificates.shared().keyStore(holder).toUri().toString());
    identity.setKeyStorePassword(TestCertificates.PASSWORD);
    HttpConfiguration config = new HttpConfiguration();
    // The client checks the host; the server must not, to let it do so.
    config.addCustomizer(new SecureRequestCustomizer(false));
    ALPNServerConnectionFactory alpn = new ALPNServerConnectionFactory();
    alpn.setDefaultProtocol("http/1.1");
    Server server = new Server(new QueuedThreadPool(32));
    ServerConnector connector =
        new ServerConnector(
            server,
            new SslConnectionFactory(identity, alpn.getProtocol()),
            alpn,
            new HTTP2ServerConnectionFactory(config),
            new HttpConnectionFactory(config));
    connector.setHost("127.0.0.1");
    server.addConnector(connector);
    server.setHandler(handler);
    server.start();
    servers.add(server);
    return connector;
  }

  private static URI uri(ServerConnector connector, String path) {
    return URI.create("https://localhost:" + connector.getLocalPort() + path);
  }

  /** One call. */
  private interface OneCall {
    void run() throws Exception;
  }

  /** All are in flight at the same time: the server answers when the last one has arrived. */
  private void together(ServerConnector connector, OneCall call) throws Exception {
    Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    List<Thread> callers = new ArrayList<>();
    for (int i = 0; i < CALLS; i++) {
      Thread caller =
          new Thread(
              () -> {
                try {
                  call.run();
                } catch (Throwable e) {
                  failures.add(e);
                }
              });
      callers.add(caller);
      caller.start();
    }
    assertThat(handler.missing.await(20, TimeUnit.SECONDS)).as("all arrived").isTrue();
    assertThat(connector.getConnectedEndPoints()).hasSizeLessThanOrEqualTo(2);
    for (Thread caller : callers) {
      caller.join();
    }
    assertThat(failures).isEmpty();
    assertThat(handler.versions).hasSize(CALLS + 1).containsOnly("HTTP/2.0");
  }

  @Test
  void callsOfAServiceShareAConnection() throws Exception {
    ServerConnector connector = start(Holder.SERVER);
    HttpService service =
        HttpService.builder("secure", uri(connector, "")).client(client).build(fixture.resilience);
    // Until the first connection is open, each request opens one.
    service.get("/first").send();
    together(connector, () -> service.get("/held").send());
  }

  @Test
  void callsOfAProtectedClientShareAConnection() throws Exception {
    ServerConnector connector = start(Holder.SERVER);
    HttpClient guarded = HttpCalls.protect(client, fixture.resilience);
    HttpResponse<Void> first = send(guarded, uri(connector, "/first"));
    assertThat(first.version()).isEqualTo(HttpClient.Version.HTTP_2);
    together(
        connector,
        () ->
            assertThat(send(guarded, uri(connector, "/held")).version())
                .isEqualTo(HttpClient.Version.HTTP_2));
  }

  private static HttpResponse<Void> send(HttpClient by, URI uri)
      throws IOException, InterruptedException {
    return by.send(HttpRequest.newBuilder(uri).build(), BodyHandlers.discarding());
  }

  @Test
  void aCertificateOfAnotherHostIsRefusedWithItsCause() throws Exception {
    ServerConnector connector = start(Holder.OTHER_HOST);
    HttpService service =
        HttpService.builder("secure", uri(connector, "")).client(client).build(fixture.resilience);
    CallException failure =
        catchThrowableOfType(CallException.class, () -> service.get("/first").send());
    assertRefused(failure);
    HttpClient guarded = HttpCalls.protect(client, fixture.resilience);
    IOException thrown =
        catchThrowableOfType(IOException.class, () -> send(guarded, uri(connector, "/first")));
    assertThat(thrown).cause().isInstanceOf(CallException.class);
    assertRefused((CallException) thrown.getCause());
    assertThat(handler.versions).as("requests").isEmpty();
  }

  private static void assertRefused(CallException failure) {
    assertThat(failure.code()).isEqualTo("COMMS-CALL-001");
    assertThat(failure.outcome().certainty()).isEqualTo(SendCertainty.NOT_SENT);
    assertThat(failure.attempts()).as("a repetition would fail too").isOne();
    assertThat(failure.outcome().isRetryable()).isFalse();
    assertThat(failure).rootCause().hasMessageContaining("localhost");
  }

  @Test
  void anExpiredCertificateIsRefused() throws Exception {
    ServerConnector connector = start(Holder.EXPIRED);
    HttpService service =
        HttpService.builder("secure", uri(connector, "")).client(client).build(fixture.resilience);
    CallException failure =
        catchThrowableOfType(CallException.class, () -> service.get("/first").send());
    assertThat(failure.outcome().certainty()).isEqualTo(SendCertainty.NOT_SENT);
    assertThat(failure.attempts()).isOne();
    assertThat(failure).hasStackTraceContaining("Expired");
  }
}
