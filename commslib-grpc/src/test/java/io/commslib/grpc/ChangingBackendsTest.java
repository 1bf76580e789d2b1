package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.core.resilience.RetryPolicy;
import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.commslib.testkit.Await;
import io.commslib.testkit.faults.TcpFaultProxy;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.Status;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** Names, connections and channels that change while calls run. */
class ChangingBackendsTest {

  private static final LevelRequest APPLE = LevelRequest.newBuilder().setItem("apple").build();

  private final GrpcFixture fixture = new GrpcFixture();

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  @Test
  void aChannelThatBecomesIdleBetweenTwoAttemptsConnectsForTheNextOne() throws Exception {
    RemoteStock remote = fixture.remote();
    GrpcCalls.Builder calls = GrpcCalls.builder(fixture.resilience, "stock");
    ManagedChannel channel = fixture.built(calls.protect(GrpcFixture.builder(remote.port())));
    StockGrpc.StockBlockingStub stub = StockGrpc.newBlockingStub(channel);
    stub.levelOf(APPLE);
    Await.until("the backend is known", () -> calls.backends().isAny());
    remote.levelOf =
        (arrival, request, to) -> {
          if (arrival.number() == 2) {
            channel.enterIdle();
            Await.until("the channel is idle", () -> !calls.backends().isAny());
            RemoteStock.fail(to, Status.Code.UNAVAILABLE);
          } else {
            RemoteStock.answer(to, Level.getDefaultInstance());
          }
        };
    assertThat(stub.levelOf(APPLE)).isEqualTo(Level.getDefaultInstance());
    assertThat(remote.arrivals).hasSize(3);
  }

  @Test
  void aNameMayHaveMoreAddressesThanAChannelConnectsTo() throws Exception {
    // So many refused connections take a busy machine some time.
    fixture
        .resilience
        .guard("stock")
        .replacePolicy(
            GrpcFixture.policy(Duration.ofSeconds(50)).deadline(Duration.ofMinutes(1)).build());
    RemoteStock remote = fixture.remote();
    Integer[] ports =
        IntStream.concat(IntStream.of(remote.port()), IntStream.rangeClosed(1, 1_100))
            .boxed()
            .toArray(Integer[]::new);
    StaticResolver names = fixture.add(new StaticResolver(ports));
    ManagedChannel channel =
        fixture.built(
            GrpcCalls.protect(
                Grpc.newChannelBuilder(names.target(), InsecureChannelCredentials.create()),
                fixture.resilience,
                "stock"));
    assertThat(StockGrpc.newBlockingStub(channel).levelOf(APPLE).getItem()).isEqualTo("apple");
  }

  @Test
  void callsOfASubsetWaitWhileItsOnlyBackendConnectsAnew() throws Exception {
    fixture
        .resilience
        .guard("stock")
        .replacePolicy(GrpcFixture.policy(Duration.ofSeconds(5)).retry(RetryPolicy.none()).build());
    RemoteStock stable = fixture.remote();
    RemoteStock canary = fixture.remote();
    TcpFaultProxy proxy =
        fixture.add(TcpFaultProxy.to(new InetSocketAddress("127.0.0.1", canary.port())));
    StaticResolver names = fixture.add(new StaticResolver(stable.port(), proxy.port()));
    GrpcCalls.Builder calls =
        GrpcCalls.builder(fixture.resilience, "stock")
            .subset("canary", address -> ((InetSocketAddress) address).getPort() == proxy.port());
    ManagedChannel channel =
        fixture.built(
            calls.protect(
                Grpc.newChannelBuilder(names.target(), InsecureChannelCredentials.create())));
    StockGrpc.StockFutureStub stub =
        StockGrpc.newFutureStub(channel).withOption(GrpcCalls.SUBSET, "canary");
    stub.levelOf(APPLE).get(10, TimeUnit.SECONDS);
    Await.until("both are known", () -> calls.backends().pool().endpoints().size() == 2);
    proxy.blackHole(TcpFaultProxy.Direction.TO_CLIENT);
    proxy.cut();
    Await.until(
        "the canary is not connected", () -> calls.backends().pool().endpoints().size() == 1);
    Future<Level> waiting = stub.levelOf(APPLE);
    Await.until("it connects anew", () -> proxy.connections() > 0);
    assertThat(waiting.isDone()).isFalse();
    proxy.heal();
    assertThat(waiting.get(10, TimeUnit.SECONDS).getItem()).isEqualTo("apple");
    assertThat(canary.arrivals).hasSize(2);
  }
}
