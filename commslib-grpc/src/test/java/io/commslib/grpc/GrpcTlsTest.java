package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.SendCertainty;
import io.commslib.core.tls.PeerIdentity;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.ReserveRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.idempotency.InMemoryIdempotencyStore;
import io.commslib.testkit.Await;
import io.commslib.testkit.servers.TestCertificates;
import io.commslib.testkit.servers.TestCertificates.Holder;
import io.grpc.Attributes;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.Server;
import io.grpc.ServerTransportFilter;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.TlsServerCredentials;
import io.grpc.TlsServerCredentials.ClientAuth;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Channels and servers with an identity whose files change. */
@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class GrpcTlsTest {

  private static final int CHANGES = 2;

  /** The promise is 2 s on a machine that is not busy. */
  private static final Duration SET_TIME = Duration.ofSeconds(10);

  private final GrpcFixture fixture = new GrpcFixture();
  private final RemoteStock stock = new RemoteStock();
  private final AtomicInteger connections = new AtomicInteger();
  @TempDir Path folder;

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  private Path file(String name, String kind) {
    return folder.resolve(name + kind);
  }

  private void write(String name, Holder holder) {
    TestCertificates.shared().install(holder, file(name, ".crt"), file(name, ".key"));
  }

  private TlsIdentity identity(String name, Holder holder) throws IOException {
    return identity(name, holder, TestCertificates.shared().authority());
  }

  private TlsIdentity identity(String name, Holder holder, Path authority) throws IOException {
    write(name, holder);
    Files.copy(authority, file(name, ".ca"));
    return fixture.add(
        TlsIdentity.builder(
                file(name, ".crt"), file(name, ".key"), file(name, ".ca"), fixture.runtime)
            .name(name)
            .checkInterval(Duration.ofMillis(100))
            .build());
  }

  private void change(TlsIdentity identity, Holder holder) {
    long before = identity.generation();
    write(identity.name().substring("tls-".length()), holder);
    Await.until("the change is taken", () -> identity.generation() > before);
  }

  /** Answers a question for the level with the subject of the caller. */
  private GrpcServer server(
      TlsIdentity identity, ClientAuth clients, UnaryOperator<GrpcServer.Builder> settings) {
    stock.levelOf =
        (arrival, request, to) ->
            RemoteStock.answer(to, Level.newBuilder().setItem(caller()).build());
    GrpcServer server =
        settings
            .apply(
                GrpcServer.builder(
                        Grpc.newServerBuilderForPort(0, GrpcTls.server(identity, clients))
                            .addTransportFilter(new Counter()),
                        fixture.resilience)
                    .drainDelay(Duration.ZERO)
                    .service(stock.recorded()))
            .build();
    fixture.add(server::close);
    server.start();
    return server;
  }

  private GrpcServer server(TlsIdentity identity) {
    return server(identity, ClientAuth.REQUIRE, settings -> settings);
  }

  /** Counts the open connections. */
  private final class Counter extends ServerTransportFilter {
    @Override
    public Attributes transportReady(Attributes attributes) {
      connections.incrementAndGet();
      return attributes;
    }

    @Override
    public void transportTerminated(Attributes attributes) {
      connections.decrementAndGet();
    }
  }

  private static String caller() {
    return GrpcServer.peer().map(PeerIdentity::subject).orElse("none");
  }

  private ManagedChannel channel(int port, TlsIdentity identity) {
    return fixture.built(
        GrpcCalls.protect("localhost:" + port, identity, fixture.resilience, "stock"));
  }

  private static String peer(ManagedChannel channel) {
    return StockGrpc.newBlockingStub(channel).levelOf(LevelRequest.getDefaultInstance()).getItem();
  }

  private static String subject(TlsIdentity identity) {
    return PeerIdentity.of(identity.certificate()).subject();
  }

  @Test
  void aRotatedCertificateReachesPooledConnections() throws Exception {
    GrpcServer server = server(identity("server", Holder.SERVER));
    TlsIdentity client = identity("client", Holder.CLIENT);
    ManagedChannel channel = channel(server.port(), client);
    StockGrpc.StockBlockingStub stub = StockGrpc.newBlockingStub(channel);
    assertThat(peer(channel)).isEqualTo("CN=" + TestCertificates.CLIENT_NAME);
    AtomicBoolean isOver = new AtomicBoolean();
    AtomicInteger calls = new AtomicInteger();
    Queue<Throwable> failures = new ConcurrentLinkedQueue<>();
    List<Thread> callers = new ArrayList<>();
    for (int i = 0; i < 2; i++) {
      Thread caller =
          new Thread(
              () -> {
                while (!isOver.get() && failures.isEmpty()) {
                  try {
                    // Not idempotent, so a call that fails is not repeated by the policy.
                    stub.reserve(ReserveRequest.getDefaultInstance());
                    calls.incrementAndGet();
                  } catch (RuntimeException e) {
                    failures.add(e);
                  }
                }
              });
      callers.add(caller);
      caller.start();
    }
    for (int i = 0; i < CHANGES; i++) {
      change(client, i % 2 == 0 ? Holder.OTHER_HOST : Holder.CLIENT);
      Await.until("its calls have it", SET_TIME, () -> peer(channel).equals(subject(client)));
    }
    isOver.set(true);
    for (Thread caller : callers) {
      caller.join();
    }
    assertThat(failures).isEmpty();
    assertThat(calls).hasValueGreaterThan(CHANGES);
    assertThat(stock.effects).hasSize(calls.get());
    Await.until("those of before have ended", SET_TIME, () -> connections.get() == 1);
  }

  @Test
  void aCallInFlightEndsOnTheConnectionOfBefore() throws Exception {
    GrpcServer server = server(identity("server", Holder.SERVER));
    TlsIdentity client = identity("client", Holder.CLIENT);
    ManagedChannel channel = channel(server.port(), client);
    CountDownLatch over = new CountDownLatch(1);
    stock.watch =
        (arrival, request, to) -> {
          to.onNext(Level.newBuilder().setItem(caller()).build());
          over.await();
          RemoteStock.answer(to, Level.newBuilder().setItem(caller()).build());
        };
    Iterator<Level> levels =
        StockGrpc.newBlockingStub(channel).watch(LevelRequest.getDefaultInstance());
    assertThat(levels.next().getItem()).isEqualTo("CN=" + TestCertificates.CLIENT_NAME);
    change(client, Holder.OTHER_HOST);
    Await.until("its calls have it", () -> peer(channel).equals("CN=other"));
    over.countDown();
    assertThat(levels.next().getItem()).isEqualTo("CN=" + TestCertificates.CLIENT_NAME);
    assertThat(levels.hasNext()).isFalse();
  }

  /** A change whose connections are refused leaves the connection of before for a time. */
  @Test
  void aServerThatDoesNotTakeTheNextConnectionStaysReachable() throws Exception {
    TlsIdentity trusted = identity("server", Holder.SERVER);
    GrpcServer server = server(trusted);
    TlsIdentity client = identity("client", Holder.CLIENT);
    ManagedChannel channel = channel(server.port(), client);
    peer(channel);
    // From now on the server is another host for new connections.
    change(trusted, Holder.OTHER_HOST);
    change(client, Holder.RENEWED);
    Await.stays(
        "the connection of before",
        Duration.ofMillis(2_300),
        () -> peer(channel).equals("CN=" + TestCertificates.CLIENT_NAME));
    change(trusted, Holder.SERVER);
    Await.until("the next connection", () -> peer(channel).equals("CN=renewed"));
  }

  @Test
  void newConnectionsOfAServerGetItsNewCertificate() throws Exception {
    TlsIdentity identity = identity("server", Holder.SERVER);
    GrpcServer server =
        server(
            identity,
            ClientAuth.REQUIRE,
            settings -> settings.maxConnectionAge(Duration.ofSeconds(1)));
    TlsIdentity client = identity("client", Holder.CLIENT);
    ManagedChannel before = channel(server.port(), client);
    peer(before);
    change(identity, Holder.OTHER_HOST);
    assertRefused(server.port(), GrpcTls.channel(client), "localhost");
    Await.until(
        "the connection of before has ended by its age",
        () -> {
          try {
            peer(before);
            return false;
          } catch (StatusRuntimeException e) {
            return e.getStatus().getCode() == Status.Code.UNAVAILABLE;
          }
        });
  }

  @Test
  void aHalfWrittenCertificateIsNotTaken() throws Exception {
    TlsIdentity identity = identity("server", Holder.SERVER);
    GrpcServer server = server(identity);
    TlsIdentity client = identity("client", Holder.CLIENT);
    TestCertificates certificates = TestCertificates.shared();
    String whole = Files.readString(certificates.certificate(Holder.OTHER_HOST));
    Path key = certificates.key(Holder.OTHER_HOST);
    for (int length : new int[] {0, 200, whole.length() - 30}) {
      Files.copy(key, file("server", ".key"), StandardCopyOption.REPLACE_EXISTING);
      Files.writeString(file("server", ".crt"), whole.substring(0, length));
      Await.until("it is read", () -> isRefused(identity));
      assertThat(peer(channel(server.port(), client))).as("%d bytes", length).startsWith("CN=");
      write("server", Holder.SERVER);
      Await.until("the one of before is read", () -> !isRefused(identity));
    }
    assertThat(identity.generation()).isEqualTo(1);
    Files.copy(key, file("server", ".key"), StandardCopyOption.REPLACE_EXISTING);
    Files.writeString(file("server", ".crt"), whole);
    Await.until("the whole one is taken", () -> identity.generation() == 2);
    assertRefused(server.port(), GrpcTls.channel(client), "localhost");
  }

  private static boolean isRefused(TlsIdentity identity) {
    return identity.health().details().containsKey("refused");
  }

  @Test
  void wrongNameAndExpiredAreRefused() throws Exception {
    TlsIdentity client = identity("client", Holder.CLIENT);
    assertRefused(plainServer(Holder.OTHER_HOST), GrpcTls.channel(client), "localhost");
    assertRefused(plainServer(Holder.EXPIRED), GrpcTls.channel(client), "NotAfter");

    GrpcServer server = server(identity("server", Holder.SERVER));
    TestCertificates certificates = TestCertificates.shared();
    ChannelCredentials expired =
        TlsChannelCredentials.newBuilder()
            .keyManager(
                certificates.certificate(Holder.EXPIRED).toFile(),
                certificates.key(Holder.EXPIRED).toFile())
            .trustManager(certificates.authority().toFile())
            .build();
    assertThat(failure(server.port(), expired).getStatus().getCode())
        .isEqualTo(Status.Code.UNAVAILABLE);
    ChannelCredentials none =
        TlsChannelCredentials.newBuilder().trustManager(certificates.authority().toFile()).build();
    assertThat(failure(server.port(), none).getStatus().getCode())
        .isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(stock.effects).isEmpty();
  }

  /** A server of gRPC with the certificate of a holder, which an identity would refuse. */
  private int plainServer(Holder holder) throws IOException {
    TestCertificates certificates = TestCertificates.shared();
    Server server =
        Grpc.newServerBuilderForPort(
                0,
                TlsServerCredentials.create(
                    certificates.certificate(holder).toFile(), certificates.key(holder).toFile()))
            .addService(stock)
            .build()
            .start();
    fixture.add(server::shutdownNow);
    return server.getPort();
  }

  private StatusRuntimeException failure(int port, ChannelCredentials credentials) {
    ManagedChannel channel =
        fixture.built(
            GrpcCalls.protect(
                Grpc.newChannelBuilder("localhost:" + port, credentials),
                fixture.resilience,
                "refused-" + port));
    return catchThrowableOfType(
        StatusRuntimeException.class,
        () ->
            StockGrpc.newBlockingStub(channel)
                .withDeadlineAfter(5, TimeUnit.SECONDS)
                .reserve(ReserveRequest.getDefaultInstance()));
  }

  private void assertRefused(int port, ChannelCredentials credentials, String cause) {
    int before = stock.effects.size();
    StatusRuntimeException failure = failure(port, credentials);
    assertThat(failure.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
    assertThat(GrpcCalls.outcome(failure).certainty()).isEqualTo(SendCertainty.NOT_SENT);
    assertThat(failure).hasStackTraceContaining(cause);
    assertThat(stock.effects).hasSize(before);
  }

  @Test
  void aServerAsksForCertificatesAsItIsConfigured() throws Exception {
    TlsIdentity server = identity("server", Holder.SERVER);
    TlsIdentity client = identity("client", Holder.CLIENT);
    ChannelCredentials none =
        TlsChannelCredentials.newBuilder().trustManager(client.trustManager()).build();
    for (ClientAuth asked : ClientAuth.values()) {
      int port = server(server, asked, settings -> settings).port();
      assertThat(peer(channel(port, client)))
          .isEqualTo(asked == ClientAuth.NONE ? "none" : "CN=" + TestCertificates.CLIENT_NAME);
      ManagedChannel without =
          fixture.built(
              GrpcCalls.protect(
                  Grpc.newChannelBuilder("localhost:" + port, none),
                  fixture.resilience,
                  "without-" + asked));
      if (asked == ClientAuth.REQUIRE) {
        assertThat(
                catchThrowableOfType(StatusRuntimeException.class, () -> peer(without))
                    .getStatus()
                    .getCode())
            .isEqualTo(Status.Code.UNAVAILABLE);
      } else {
        assertThat(peer(without)).isEqualTo("none");
      }
    }
  }

  /** A caller chooses its certificate by the list of authorities, if a server sends one. */
  @Test
  void callersOfANewAuthorityAreTaken() throws Exception {
    TestCertificates certificates = TestCertificates.shared();
    TlsIdentity identity =
        identity("server", Holder.SERVER, certificates.certificate(Holder.OTHER_HOST));
    GrpcServer server = server(identity);
    TlsIdentity client = identity("client", Holder.CLIENT);
    assertThat(failure(server.port(), GrpcTls.channel(client)).getStatus().getCode())
        .isEqualTo(Status.Code.UNAVAILABLE);
    Files.writeString(file("server", ".ca"), Files.readString(certificates.authority()));
    Await.until("the change is taken", () -> identity.generation() == 2);
    assertThat(peer(channel(server.port(), client)))
        .isEqualTo("CN=" + TestCertificates.CLIENT_NAME);
  }

  @Test
  void keysOfCallersAreIndependentByTheirCertificates() throws Exception {
    InMemoryIdempotencyStore store =
        InMemoryIdempotencyStore.create(fixture.runtime.time(), Duration.ofHours(1), 100);
    GrpcServer server =
        server(
            identity("server", Holder.SERVER),
            ClientAuth.OPTIONAL,
            settings ->
                settings
                    .idempotency(StockGrpc.getReserveMethod(), store)
                    .caller(headers -> caller()));
    for (Holder holder : List.of(Holder.CLIENT, Holder.OTHER_HOST, Holder.CLIENT)) {
      TlsIdentity client = identity("client-" + fixture.runtime.time().nanoTime(), holder);
      StockGrpc.newBlockingStub(channel(server.port(), client))
          .withOption(GrpcCalls.IDEMPOTENCY_KEY, "one")
          .reserve(ReserveRequest.getDefaultInstance());
    }
    assertThat(stock.effects).as("one for each caller").hasSize(2);
  }
}
