package io.commslib.examples.shop.cli;

import io.commslib.core.observe.CommsObserver;
import io.commslib.core.resilience.CallPolicy;
import io.commslib.core.resilience.CircuitBreakerConfig;
import io.commslib.core.time.CommsRuntime;
import io.commslib.examples.shop.inventory.InventoryService;
import io.commslib.examples.shop.order.OrderService;
import io.commslib.examples.shop.payment.PaymentService;
import io.commslib.examples.shop.platform.ShopHttp;
import io.commslib.examples.shop.platform.ShopQueries;
import io.commslib.examples.shop.shipping.ShippingService;
import io.commslib.resilience.Resilience;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Collectors;

/**
 * HTTP and queries over gRPC between the services of a run, with faults between storefront and
 * order service.
 */
final class ShopNetwork implements AutoCloseable {

  /** The services that answer HTTP, in the order of their ports in {@code --ports}. */
  static final List<String> SERVICES =
      List.of(OrderService.NAME, PaymentService.NAME, ShippingService.NAME);

  /** The services that answer over gRPC, in the order of their ports in {@code --query-ports}. */
  private static final List<String> QUERIED =
      List.of(OrderService.NAME, PaymentService.NAME, InventoryService.NAME);

  /**
   * Below the ports that the system gives to clients, so that a killed server gets its port back.
   */
  private static final int LOWEST_PORT = 15_000;

  private static final int PORTS = 17_000;

  /**
   * For the storefront, which repeats a post until it is answered: short attempts, and a breaker
   * that probes soon.
   */
  private static final CallPolicy POSTS =
      CallPolicy.builder()
          .attemptTimeout(Duration.ofMillis(500))
          .breaker(
              CircuitBreakerConfig.builder()
                  .openTime(Duration.ofMillis(500))
                  .maxOpenTime(Duration.ofSeconds(2))
                  .build())
          .build();

  private final List<Integer> ports;
  private final List<Integer> queryPorts;
  private final Optional<NetworkFaults> faults;
  private final Optional<ShopHttp> http;
  private final Optional<ShopQueries> queries;

  private ShopNetwork(ShopOptions options, CommsRuntime runtime) {
    boolean isUsed = options.intake() == ShopOptions.Intake.HTTP;
    boolean hasQueries = options.queries() == ShopOptions.Queries.GRPC;
    List<Integer> free = freePorts(SERVICES.size() + QUERIED.size());
    ports =
        options.ports().isEmpty() && isUsed ? free.subList(0, SERVICES.size()) : options.ports();
    queryPorts =
        options.queryPorts().isEmpty() && hasQueries
            ? free.subList(SERVICES.size(), free.size())
            : options.queryPorts();
    faults = options.faults().map(seed -> new NetworkFaults(seed, ports.get(0)));
    http = isUsed ? Optional.of(http(runtime)) : Optional.empty();
    queries = hasQueries ? Optional.of(new ShopQueries(byService(queryPorts))) : Optional.empty();
  }

  private static Map<String, Integer> byService(List<Integer> ports) {
    Map<String, Integer> byService = new HashMap<>();
    for (int i = 0; i < QUERIED.size(); i++) {
      byService.put(QUERIED.get(i), ports.get(i));
    }
    return byService;
  }

  static ShopNetwork open(ShopOptions options, CommsRuntime runtime) {
    return new ShopNetwork(options, runtime);
  }

  private ShopHttp http(CommsRuntime runtime) {
    Map<String, Integer> listening = new HashMap<>();
    Map<String, URI> addresses = new HashMap<>();
    for (int i = 0; i < SERVICES.size(); i++) {
      listening.put(SERVICES.get(i), ports.get(i));
      addresses.put(SERVICES.get(i), address(ports.get(i)));
    }
    faults.ifPresent(between -> addresses.put(OrderService.NAME, address(between.port())));
    CommsObserver observer = CommsObserver.logging();
    Resilience resilience =
        Resilience.builder(runtime)
            .policy(OrderService.NAME, POSTS)
            .observer(faults.isPresent() ? observer.and(faults.get()) : observer)
            .build();
    return new ShopHttp(resilience, listening, addresses);
  }

  private static URI address(int port) {
    return URI.create("http://127.0.0.1:" + port);
  }

  private static List<Integer> freePorts(int count) {
    Random random = new Random();
    List<Integer> ports = new ArrayList<>();
    while (ports.size() < count) {
      int port = LOWEST_PORT + random.nextInt(PORTS);
      if (!ports.contains(port) && isFree(port)) {
        ports.add(port);
      }
    }
    return ports;
  }

  private static boolean isFree(int port) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.bind(new InetSocketAddress("127.0.0.1", port));
      return true;
    } catch (IOException taken) {
      return false;
    }
  }

  /** Returns HTTP between the services, or empty if orders arrive as messages. */
  Optional<ShopHttp> http() {
    return http;
  }

  /** Returns the queries over gRPC, or empty if there are none. */
  Optional<ShopQueries> queries() {
    return queries;
  }

  /** Returns the faults between storefront and order service, if there are any. */
  Optional<NetworkFaults> faults() {
    return faults;
  }

  /** Returns the options with which a separate process has the same network. */
  List<String> options() {
    List<String> options = new ArrayList<>();
    if (http.isPresent()) {
      options.addAll(List.of("--intake", "http", "--ports", joined(ports)));
    }
    if (queries.isPresent()) {
      options.addAll(List.of("--queries", "grpc", "--query-ports", joined(queryPorts)));
    }
    return options;
  }

  private static String joined(List<Integer> ports) {
    return ports.stream().map(String::valueOf).collect(Collectors.joining(","));
  }

  @Override
  public void close() {
    faults.ifPresent(NetworkFaults::close);
    http.ifPresent(one -> one.resilience().close());
  }
}
