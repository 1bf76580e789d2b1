package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.HedgingConfig;
import io.commslib.core.resilience.RetryBudgetConfig;
import io.commslib.core.resilience.TrafficSplit;
import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.testkit.Await;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Metadata;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.MetadataUtils;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The instances behind a channel, on real servers. */
class BackendsTest {

  private static final LevelRequest APPLE = LevelRequest.newBuilder().setItem("apple").build();

  private final GrpcFixture fixture = new GrpcFixture();
  private final List<RemoteStock> remotes = new ArrayList<>();
  private StaticResolver names;
  private Backends backends;

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  private StockGrpc.StockBlockingStub stub(int count, UnaryOperator<GrpcCalls.Builder> settings)
      throws Exception {
    fixture
        .resilience
        .guard("stock")
        .replacePolicy(
            GrpcFixture.policy(Duration.ofSeconds(5))
                .without(CallPolicy.Part.BREAKER)
                .budget(new RetryBudgetConfig(100, 1_000, Duration.ofSeconds(10)))
                .build());
    for (int i = 0; i < count; i++) {
      remotes.add(fixture.remote());
    }
    names = fixture.add(new StaticResolver(ports(count)));
    GrpcCalls.Builder calls = settings.apply(GrpcCalls.builder(fixture.resilience, "stock"));
    ManagedChannel channel =
        fixture.built(
            calls.protect(
                Grpc.newChannelBuilder(names.target(), InsecureChannelCredentials.create())));
    backends = calls.backends();
    StockGrpc.StockBlockingStub stub = StockGrpc.newBlockingStub(channel);
    stub.levelOf(APPLE);
    Await.until("all are connected", () -> backends.pool().endpoints().size() == count);
    remotes.forEach(remote -> remote.arrivals.clear());
    return stub;
  }

  private Integer[] ports(int count) {
    return remotes.subList(0, count).stream().map(RemoteStock::port).toArray(Integer[]::new);
  }

  private int arrived(int remote) {
    return remotes.get(remote).arrivals.size();
  }

  private static void call(StockGrpc.StockBlockingStub stub, int calls) {
    for (int i = 0; i < calls; i++) {
      stub.levelOf(APPLE);
    }
  }

  private static void fail(StockGrpc.StockBlockingStub stub, int calls) {
    for (int i = 0; i < calls; i++) {
      assertThat(catchThrowableOfType(StatusRuntimeException.class, () -> stub.levelOf(APPLE)))
          .isNotNull();
    }
  }

  @Test
  void aSubsetGetsItsCallsFromTheFirstOneOn() throws Exception {
    remotes.add(fixture.remote());
    remotes.add(fixture.remote());
    names = fixture.add(new StaticResolver(ports(2)));
    int canary = remotes.get(1).port();
    for (int i = 0; i < 20; i++) {
      ManagedChannel channel =
          fixture.built(
              GrpcCalls.builder(fixture.resilience, "stock")
                  .subset("canary", address -> isAt(address, canary))
                  .subset("stable", address -> !isAt(address, canary))
                  .protect(
                      Grpc.newChannelBuilder(names.target(), InsecureChannelCredentials.create())));
      StockGrpc.newBlockingStub(channel).withOption(GrpcCalls.SUBSET, "canary").levelOf(APPLE);
    }
    assertThat(arrived(0)).isZero();
    assertThat(arrived(1)).isEqualTo(20);
  }

  private static boolean isAt(SocketAddress address, int port) {
    return ((InetSocketAddress) address).getPort() == port;
  }

  @Test
  void oneBackendDoesNotGetEverything() throws Exception {
    StockGrpc.StockBlockingStub stub = stub(4, settings -> settings);
    call(stub, 400);
    for (int i = 0; i < 4; i++) {
      assertThat(arrived(i)).isBetween(50, 150);
    }
  }

  @Test
  void newEndpointsGetTraffic() throws Exception {
    StockGrpc.StockBlockingStub stub = stub(2, settings -> settings);
    remotes.add(fixture.remote());
    names.ports(ports(3));
    Await.until("the third is connected", () -> backends.pool().endpoints().size() == 3);
    call(stub, 300);
    // A slow start: some, and so much less than its share of 100 that it is not by chance.
    assertThat(arrived(2)).isBetween(1, 66);
    names.ports(remotes.get(2).port());
    Await.until("the others have gone", () -> backends.pool().endpoints().size() == 1);
    int before = arrived(2);
    call(stub, 50);
    assertThat(arrived(2)).isEqualTo(before + 50);
  }

  @Test
  void whatIsUnavailableIsEjected() throws Exception {
    StockGrpc.StockBlockingStub stub = stub(3, settings -> settings);
    remotes.get(0).levelOf =
        (arrival, request, to) -> RemoteStock.fail(to, Status.Code.UNAVAILABLE);
    // Each failure is repeated elsewhere.
    call(stub, 100);
    assertThat(backends.pool().ejected()).hasSize(1);
    assertThat(arrived(0)).isEqualTo(5);
  }

  @Test
  void notFoundNeverEjects() throws Exception {
    StockGrpc.StockBlockingStub stub = stub(3, settings -> settings);
    remotes.get(0).levelOf = (arrival, request, to) -> RemoteStock.fail(to, Status.Code.NOT_FOUND);
    int failures = 0;
    for (int i = 0; i < 150; i++) {
      try {
        stub.levelOf(APPLE);
      } catch (StatusRuntimeException e) {
        failures++;
      }
    }
    assertThat(failures).isGreaterThan(20);
    assertThat(backends.pool().ejected()).isEmpty();
  }

  @Test
  void theLastEndpointIsNeverEjected() throws Exception {
    StockGrpc.StockBlockingStub stub = stub(2, settings -> settings);
    for (RemoteStock remote : remotes) {
      remote.levelOf = (arrival, request, to) -> RemoteStock.fail(to, Status.Code.UNAVAILABLE);
    }
    fail(stub, 20);
    assertThat(backends.pool().ejected()).hasSize(1);
    remotes.forEach(remote -> remote.arrivals.clear());
    fail(stub, 5);
    assertThat(arrived(0) + arrived(1)).isEqualTo(15);
  }

  @Test
  void cancelsAndHedgeLosersNeverEject() throws Exception {
    StockGrpc.StockBlockingStub stub = stub(2, settings -> settings);
    CountDownLatch over = new CountDownLatch(1);
    remotes.get(0).levelOf =
        (arrival, request, to) -> {
          over.await(20, TimeUnit.SECONDS);
          RemoteStock.answer(to, Level.getDefaultInstance());
        };
    fixture
        .resilience
        .guard("stock")
        .replacePolicy(
            GrpcFixture.policy(Duration.ofSeconds(5))
                .without(CallPolicy.Part.BREAKER)
                .without(CallPolicy.Part.BUDGET)
                .hedging(HedgingConfig.of(Duration.ofMillis(20)))
                .build());
    // Some of them begin at the slow one, and the hedge wins.
    call(stub, 40);
    assertThat(arrived(0)).isGreaterThan(5);
    assertThat(backends.pool().ejected()).isEmpty();

    fixture
        .resilience
        .guard("stock")
        .replacePolicy(GrpcFixture.policy(Duration.ofSeconds(5)).build());
    remotes.get(1).levelOf = remotes.get(0).levelOf;
    StockGrpc.StockFutureStub future = StockGrpc.newFutureStub(stub.getChannel());
    for (int i = 0; i < 20; i++) {
      future.levelOf(APPLE).cancel(true);
    }
    assertThat(backends.pool().ejected()).isEmpty();
    over.countDown();
  }

  @Test
  void aSplitAndAnOptionChooseTheSubset() throws Exception {
    StockGrpc.StockBlockingStub stub =
        stub(
            3,
            settings ->
                settings
                    .subset("canary", address -> port(address) == remotes.get(2).port())
                    .subset("stable", address -> port(address) != remotes.get(2).port())
                    .subsetHeader("x-subset"));
    fixture
        .resilience
        .guard("stock")
        .replacePolicy(
            GrpcFixture.policy(Duration.ofSeconds(5))
                .split(TrafficSplit.of(Map.of("stable", 90, "canary", 10)))
                .build());
    call(stub, 400);
    assertThat(arrived(2)).isBetween(15, 75);
    assertThat(arrived(0) + arrived(1) + arrived(2)).isEqualTo(400);
    int before = arrived(2);
    call(stub.withOption(GrpcCalls.SUBSET, "canary"), 50);
    assertThat(arrived(2)).isEqualTo(before + 50);
    call(withHeader(stub, "canary"), 50);
    assertThat(arrived(2)).isEqualTo(before + 100);
    call(withHeader(stub, "stable"), 50);
    call(withHeader(stub, "canary").withOption(GrpcCalls.SUBSET, "stable"), 50);
    assertThat(arrived(2)).isEqualTo(before + 100);
    // A stranger's value changes nothing.
    call(withHeader(stub, "elsewhere"), 50);
    assertThat(arrived(2) - before - 100).isLessThan(25);
  }

  private static StockGrpc.StockBlockingStub withHeader(
      StockGrpc.StockBlockingStub stub, String subset) {
    Metadata headers = new Metadata();
    headers.put(Metadata.Key.of("x-subset", Metadata.ASCII_STRING_MARSHALLER), subset);
    return stub.withInterceptors(MetadataUtils.newAttachHeadersInterceptor(headers));
  }

  private static int port(SocketAddress address) {
    return ((InetSocketAddress) address).getPort();
  }

  @Test
  void aLostBackendIsFoundAgain() throws Exception {
    StockGrpc.StockBlockingStub stub = stub(1, settings -> settings);
    int port = remotes.get(0).port();
    remotes.get(0).close();
    Await.until("calls fail", () -> !isAnswered(stub));
    remotes.get(0).listen(port);
    Await.until("calls are answered", () -> isAnswered(stub));
  }

  private static boolean isAnswered(StockGrpc.StockBlockingStub stub) {
    try {
      stub.levelOf(APPLE);
      return true;
    } catch (StatusRuntimeException e) {
      assertThat(e.getStatus().getCode()).isEqualTo(Status.Code.UNAVAILABLE);
      return false;
    }
  }
}
