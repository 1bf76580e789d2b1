package io.commslib.examples.shop.platform;

import io.commslib.core.time.CommsRuntime;
import io.commslib.http.HttpService;
import io.commslib.http.server.HttpRoutes;
import io.commslib.http.server.HttpServerComponent;
import io.commslib.jackson.JacksonCodec;
import io.commslib.resilience.Resilience;
import java.net.URI;
import java.util.Map;
import java.util.Objects;

/**
 * HTTP between the services: their ports, their addresses as others see them, and the calls of this
 * process.
 */
public record ShopHttp(
    Resilience resilience, Map<String, Integer> ports, Map<String, URI> addresses) {

  /** Returns the port on which a service listens. */
  public int port(String service) {
    return Objects.requireNonNull(ports.get(service), service);
  }

  /** Returns the server of a service; its lifecycle starts and closes it. */
  public HttpServerComponent server(String service, HttpRoutes routes, CommsRuntime runtime) {
    return HttpServerComponent.builder(service, routes, runtime)
        .host("127.0.0.1")
        .port(port(service))
        .build();
  }

  /** Returns the same network for the calls of one service, which end with it. */
  public ShopHttp with(Resilience own) {
    return new ShopHttp(own, ports, addresses);
  }

  /** Returns the client of a service, whose calls share one guard. */
  public HttpService client(String service) {
    URI address = Objects.requireNonNull(addresses.get(service), service);
    return HttpService.builder(service, address).codec(JacksonCodec.create()).build(resilience);
  }
}
