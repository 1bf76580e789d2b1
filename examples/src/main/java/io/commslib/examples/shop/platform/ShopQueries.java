package io.commslib.examples.shop.platform;

import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreakerConfig;
import io.commslib.core.time.CommsRuntime;
import io.commslib.grpc.GrpcServer;
import io.commslib.resilience.Resilience;
import io.grpc.BindableService;
import io.grpc.InsecureServerCredentials;
import io.grpc.netty.shaded.io.grpc.netty.NettyServerBuilder;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;

/** Queries over gRPC between the services: the port of each service that answers some. */
public record ShopQueries(Map<String, Integer> ports) {

  /** The guard of calls to inventory. */
  public static final String STOCK = "stock";

  /** The guard of calls to payment. */
  public static final String PRICES = "prices";

  /** The guard of calls to the order service. */
  public static final String ORDERS = "orders";

  /** Breakers probe soon, so that a service that was killed is asked again soon. */
  private static final CallPolicy POLICY =
      CallPolicy.builder()
          .attemptTimeout(Duration.ofMillis(500))
          .breaker(
              CircuitBreakerConfig.builder()
                  .openTime(Duration.ofMillis(500))
                  .maxOpenTime(Duration.ofSeconds(2))
                  .build())
          .build();

  /** Returns the calls of one party, which its lifecycle closes. */
  public static Resilience calls(CommsRuntime runtime) {
    return Resilience.builder(runtime)
        .policy(STOCK, POLICY)
        .policy(PRICES, POLICY)
        // The order service asks two others before it answers.
        .policy(ORDERS, POLICY.toBuilder().attemptTimeout(Duration.ofSeconds(2)).build())
        .build();
  }

  /** Returns the server of a service; its lifecycle starts and closes it. */
  public GrpcServer server(String service, Resilience calls, BindableService answers) {
    InetSocketAddress address = new InetSocketAddress("127.0.0.1", port(service));
    return GrpcServer.builder(
            NettyServerBuilder.forAddress(address, InsecureServerCredentials.create()), calls)
        .service(answers)
        // There is no other instance that callers could find meanwhile.
        .drainDelay(Duration.ZERO)
        .build();
  }

  /** Returns a channel to a service, whose calls are under the guard of a name. */
  public QueryChannel channel(String service, String guard, Resilience calls) {
    return QueryChannel.to("127.0.0.1:" + port(service), guard, calls);
  }

  private int port(String service) {
    return Objects.requireNonNull(ports.get(service), service);
  }
}
