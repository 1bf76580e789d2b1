package io.commslib.http;

import io.commslib.core.checks.Checks;
import io.commslib.core.time.CommsRuntime;
import io.commslib.resilience.EndpointPool;
import java.net.URI;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** The addresses of a service as the endpoints from which the engine chooses. */
final class Addresses {

  /** The time between two calls of {@link Endpoints#current}. */
  static final Duration REFRESH = Duration.ofSeconds(1);

  /** The time between two lookups of a name. */
  static final Duration LOOKUP = Duration.ofSeconds(10);

  private Addresses() {}

  static EndpointPool<URI> pool(
      String service, Endpoints source, Map<String, Endpoints> subsets, CommsRuntime runtime) {
    EndpointPool.Builder<URI> pool =
        EndpointPool.<URI>builder(service, runtime).endpoints(checked(source.current()));
    if (source instanceof DnsEndpoints dns) {
      pool.lookUp(LOOKUP, () -> checked(dns.lookUp()));
    } else {
      pool.poll(REFRESH, () -> checked(source.current()));
    }
    subsets.forEach(
        (name, endpoints) ->
            pool.subset(name, pool(service + "/" + name, endpoints, Map.of(), runtime)));
    return pool.build();
  }

  private static List<URI> checked(List<URI> addresses) {
    Checks.inRange("addresses", addresses.size(), 1, Endpoints.MAX_ADDRESSES);
    return addresses.stream().map(Addresses::checked).distinct().toList();
  }

  static URI checked(URI address) {
    String scheme = String.valueOf(address.getScheme()).toLowerCase(Locale.ROOT);
    boolean valid =
        (scheme.equals("http") || scheme.equals("https"))
            && address.getHost() != null
            && address.getRawUserInfo() == null
            && address.getRawQuery() == null
            && address.getRawFragment() == null;
    // A user and password may be in it, so it is not shown.
    Checks.check(
        valid, "address", "not valid", "http(s)://host[:port][/path] without user and query");
    return address;
  }
}
