package io.commslib.examples.shop.cli;

import io.commslib.core.lifecycle.Lifecycle;
import io.commslib.examples.shop.inventory.InventoryService;
import io.commslib.examples.shop.order.OrderService;
import io.commslib.examples.shop.payment.PaymentService;
import io.commslib.examples.shop.platform.ShopEnvironment;
import io.commslib.examples.shop.shipping.ShippingService;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;

/** Runs the services in this process. */
final class LocalServices implements ServiceHost {

  /** The wiring of each service. */
  static final Map<String, Function<ShopEnvironment, Lifecycle>> WIRING =
      Map.of(
          OrderService.NAME, OrderService::wire,
          PaymentService.NAME, PaymentService::wire,
          InventoryService.NAME, InventoryService::wire,
          ShippingService.NAME, ShippingService::wire);

  private static final Duration DRAIN = Duration.ofSeconds(10);

  private final ShopEnvironment environment;
  private final Map<String, Lifecycle> running = new ConcurrentHashMap<>();

  LocalServices(ShopEnvironment environment) {
    this.environment = environment;
  }

  @Override
  public void start() {
    ShopOptions.SERVICES.forEach(this::start);
  }

  private void start(String service) {
    Lifecycle lifecycle = WIRING.get(service).apply(environment);
    lifecycle.start();
    running.put(service, lifecycle);
  }

  @Override
  public void crash(String service) {
    // Closes without draining: running handlers are interrupted, nothing is settled, and leases
    // expire.
    running.remove(service).close();
    start(service);
  }

  @Override
  public void stop(String service) {
    Lifecycle lifecycle = running.remove(service);
    lifecycle.drain(DRAIN);
    lifecycle.close();
  }

  @Override
  public void close() {
    running.values().forEach(lifecycle -> lifecycle.drain(DRAIN));
    running.values().forEach(Lifecycle::close);
  }
}
