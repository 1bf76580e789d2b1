package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.core.tls.PeerIdentity;
import io.commslib.core.tls.TlsIdentity;
import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.Reservation;
import io.commslib.grpc.proto.ReserveRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.idempotency.InMemoryIdempotencyStore;
import io.commslib.resilience.Resilience;
import io.commslib.testkit.servers.TestCertificates;
import io.commslib.testkit.servers.TestCertificates.Holder;
import io.grpc.Channel;
import io.grpc.ChannelCredentials;
import io.grpc.ClientInterceptors;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.InsecureServerCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.ServerBuilder;
import io.grpc.ServerCredentials;
import io.grpc.StatusRuntimeException;
import java.net.SocketAddress;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The code of the page about gRPC. */
class GrpcSnippetTest {

  private final GrpcFixture fixture = new GrpcFixture();

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  @Test
  void aServerAndAProtectedChannel() {
    Resilience resilience = fixture.resilience;
    RemoteStock stock = new RemoteStock();
    InMemoryIdempotencyStore store =
        InMemoryIdempotencyStore.create(fixture.runtime.time(), Duration.ofHours(1), 1_000);
    ServerCredentials serverCredentials = InsecureServerCredentials.create();
    int port = 0;
    // snippet: grpc-server
    GrpcServer server =
        GrpcServer.builder(Grpc.newServerBuilderForPort(port, serverCredentials), resilience)
            .service(stock)
            .idempotency(StockGrpc.getReserveMethod(), store)
            .build();
    Lifecycle lifecycle = Lifecycle.builder().server(server).build();
    lifecycle.start();
    // end
    fixture.add(server::close);
    String target = "dns:///127.0.0.1:" + server.port();
    ChannelCredentials credentials = InsecureChannelCredentials.create();
    LevelRequest request = LevelRequest.newBuilder().setItem("apple").build();
    // snippet: grpc-channel
    ManagedChannel channel =
        GrpcCalls.protect(Grpc.newChannelBuilder(target, credentials), resilience, "stock").build();
    Level level = StockGrpc.newBlockingStub(channel).levelOf(request);
    // end
    fixture.add(channel::shutdownNow);
    assertThat(level.getItem()).isEqualTo("apple");
    ReserveRequest reserve = ReserveRequest.getDefaultInstance();
    StockGrpc.StockBlockingStub stub = StockGrpc.newBlockingStub(channel);
    // snippet: grpc-key
    Reservation mine = stub.withOption(GrpcCalls.IDEMPOTENCY_KEY, "order-17").reserve(reserve);
    // end
    assertThat(mine.getId()).isEqualTo("r");
    ManagedChannel existing = fixture.bare(server.port());
    // snippet: grpc-interceptor
    Channel guarded =
        ClientInterceptors.intercept(existing, GrpcCalls.interceptor(resilience, "stock"));
    // end
    assertThat(StockGrpc.newBlockingStub(guarded).levelOf(request)).isEqualTo(level);
    Set<SocketAddress> canaries = Set.of();
    // snippet: grpc-subsets
    ManagedChannelBuilder<?> split =
        GrpcCalls.builder(resilience, "stock")
            .subset("canary", address -> canaries.contains(address))
            .subset("stable", address -> !canaries.contains(address))
            .protect(Grpc.newChannelBuilder(target, credentials));
    // end
    ManagedChannel splitting = fixture.built(split);
    assertThat(StockGrpc.newBlockingStub(splitting).levelOf(request)).isEqualTo(level);
    String reason = "";
    // snippet: grpc-problem
    try {
      stub.reserve(reserve);
    } catch (StatusRuntimeException e) {
      reason = GrpcProblem.of(e).flatMap(GrpcProblem::code).orElse("none");
    }
    // end
    assertThat(reason).isEqualTo("COMMS-GRPC-131");
  }

  @Test
  void aServerAndAChannelWithTls(@TempDir Path folder) {
    TestCertificates.shared()
        .install(Holder.SERVER, folder.resolve("tls.crt"), folder.resolve("tls.key"));
    TlsIdentity identity =
        fixture.add(
            TlsIdentity.fromFiles(
                folder.resolve("tls.crt"),
                folder.resolve("tls.key"),
                TestCertificates.shared().authority(),
                fixture.runtime));
    Resilience resilience = fixture.resilience;
    RemoteStock stock = new RemoteStock();
    InMemoryIdempotencyStore store =
        InMemoryIdempotencyStore.create(fixture.runtime.time(), Duration.ofHours(1), 1_000);
    // snippet: grpc-tls-server
    ServerBuilder<?> transport = Grpc.newServerBuilderForPort(0, GrpcTls.server(identity));
    GrpcServer server =
        GrpcServer.builder(transport, resilience)
            .service(stock)
            .idempotency(StockGrpc.getReserveMethod(), store)
            .caller(headers -> GrpcServer.peer().flatMap(PeerIdentity::spiffeId).orElse("any"))
            .build();
    // end
    fixture.add(server::close);
    server.start();
    int port = server.port();
    // snippet: grpc-tls-channel
    ManagedChannel channel =
        GrpcCalls.protect("dns:///localhost:" + port, identity, resilience, "stock").build();
    // end
    fixture.add(channel::shutdownNow);
    assertThat(
            StockGrpc.newBlockingStub(channel)
                .withOption(GrpcCalls.IDEMPOTENCY_KEY, "order-17")
                .reserve(ReserveRequest.getDefaultInstance())
                .getId())
        .isEqualTo("r");
  }
}
