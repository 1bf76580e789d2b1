package io.commslib.grpc;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.commslib.core.resilience.CircuitBreaker;
import io.commslib.core.resilience.CircuitBreakerConfig;
import io.commslib.grpc.proto.Level;
import io.commslib.grpc.proto.LevelRequest;
import io.commslib.grpc.proto.StockGrpc;
import io.grpc.EquivalentAddressGroup;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.NameResolver;
import io.grpc.NameResolverProvider;
import io.grpc.NameResolverRegistry;
import io.grpc.Status;
import io.grpc.StatusOr;
import io.grpc.StatusRuntimeException;
import java.net.InetSocketAddress;
import java.net.SocketAddress;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** A control plane that names a balancer of its own, as {@code xds:} does. */
class ForeignBalancerTest {

  private static final int CALLS = 20;

  private final GrpcFixture fixture = new GrpcFixture();
  private final List<Integer> chosen = new ArrayList<>();

  @AfterEach
  void close() throws Exception {
    fixture.close();
  }

  /** Resolves {@code xds:} to two addresses and the balancer that takes turns over them. */
  private static final class ControlPlane extends NameResolverProvider implements AutoCloseable {
    private final List<Integer> ports;

    ControlPlane(List<Integer> ports) {
      this.ports = ports;
      NameResolverRegistry.getDefaultRegistry().register(this);
    }

    @Override
    public NameResolver newNameResolver(URI target, NameResolver.Args args) {
      return "xds".equals(target.getScheme()) ? new Resolver(args) : null;
    }

    private final class Resolver extends NameResolver {
      private final Args args;

      Resolver(Args args) {
        this.args = args;
      }

      @Override
      public String getServiceAuthority() {
        return "stock";
      }

      @Override
      public void start(Listener2 to) {
        List<EquivalentAddressGroup> groups =
            ports.stream()
                .map(port -> new EquivalentAddressGroup(new InetSocketAddress("127.0.0.1", port)))
                .toList();
        to.onResult(
            ResolutionResult.newBuilder()
                .setAddressesOrError(StatusOr.fromValue(groups))
                .setServiceConfig(
                    args.getServiceConfigParser()
                        .parseServiceConfig(
                            Map.of(
                                "loadBalancingConfig", List.of(Map.of("round_robin", Map.of())))))
                .build());
      }

      @Override
      public void shutdown() {}
    }

    @Override
    public Collection<Class<? extends SocketAddress>> getProducedSocketAddressTypes() {
      return List.of(InetSocketAddress.class);
    }

    @Override
    protected boolean isAvailable() {
      return true;
    }

    @Override
    protected int priority() {
      return 5;
    }

    @Override
    public String getDefaultScheme() {
      return "xds";
    }

    @Override
    public void close() {
      NameResolverRegistry.getDefaultRegistry().deregister(this);
    }
  }

  private RemoteStock backend(int number) throws Exception {
    RemoteStock stock = fixture.remote();
    stock.levelOf =
        (arrival, request, to) -> {
          synchronized (chosen) {
            chosen.add(number);
          }
          if (request.getItem().equals("fail")) {
            RemoteStock.fail(to, Status.Code.UNAVAILABLE);
          } else {
            RemoteStock.answer(to, Level.newBuilder().setCount(arrival.millisLeft()).build());
          }
        };
    return stock;
  }

  private StockGrpc.StockBlockingStub stub() throws Exception {
    RemoteStock one = backend(1);
    RemoteStock other = backend(2);
    fixture.add(new ControlPlane(List.of(one.port(), other.port())));
    return StockGrpc.newBlockingStub(
        fixture.built(
            GrpcCalls.protect(
                Grpc.newChannelBuilder("xds:///stock", InsecureChannelCredentials.create()),
                fixture.resilience,
                "stock")));
  }

  private static LevelRequest item(String item) {
    return LevelRequest.newBuilder().setItem(item).build();
  }

  @Test
  void theBalancerOfAControlPlaneChooses() throws Exception {
    StockGrpc.StockBlockingStub stub = stub();
    long left = 0;
    // The first calls may find one of them connected.
    while (chosen.stream().distinct().count() < 2) {
      left = stub.levelOf(item("nut")).getCount();
    }
    assertThat(left).as("the attempt's time in ms").isBetween(1L, 5_000L);
    chosen.clear();
    for (int i = 0; i < CALLS; i++) {
      stub.levelOf(item("nut"));
    }
    // Turns, which the engine's choice of the less loaded of two would not take.
    for (int i = 1; i < CALLS; i++) {
      assertThat(chosen.get(i)).as("%s", chosen).isNotEqualTo(chosen.get(i - 1));
    }
  }

  @Test
  void theOtherPoliciesHoldBesideIt() throws Exception {
    fixture
        .resilience
        .guard("stock")
        .replacePolicy(
            GrpcFixture.policy(Duration.ofSeconds(5))
                .breaker(CircuitBreakerConfig.builder().minAttempts(3).build())
                .build());
    StockGrpc.StockBlockingStub stub = stub();
    assertThatThrownBy(() -> stub.levelOf(item("fail"))).isInstanceOf(StatusRuntimeException.class);
    assertThat(chosen).as("attempts").hasSize(3);
    assertThat(fixture.resilience.guard("stock").breakerState())
        .isEqualTo(CircuitBreaker.State.OPEN);
    assertThatThrownBy(() -> stub.levelOf(item("nut"))).hasMessageContaining("COMMS-CALL-");
    assertThat(chosen).hasSize(3);
  }
}
