package io.commslib.http;

import java.net.InetAddress;
import java.net.URI;
import java.util.List;

/**
 * The addresses at which the instances of a service answer. {@link #of} has a fixed list, {@link
 * #dns} those of a name; users implement it for their own discovery. Thread-safe.
 */
@FunctionalInterface
public interface Endpoints {

  /** The maximum number of addresses of a service. */
  int MAX_ADDRESSES = 1_000;

  /**
   * Returns the addresses that are valid now. Called about once a second, on the thread of a call,
   * so it must not block: it returns the addresses of the last lookup. If it throws, or returns
   * nothing or an address that breaks the rule, the addresses before stay in use.
   *
   * @return 1 to {@value #MAX_ADDRESSES} addresses, each scheme, host, port and perhaps a path
   */
  List<URI> current();

  /**
   * Returns addresses that never change.
   *
   * @param addresses 1 to {@value #MAX_ADDRESSES} addresses
   * @return the endpoints
   */
  static Endpoints of(List<URI> addresses) {
    List<URI> fixed = List.copyOf(addresses);
    return () -> fixed;
  }

  /**
   * Returns the addresses of a name, for example of a headless service of Kubernetes. The name is
   * looked up again every 10 s while calls are made, on a thread of its own that ends with the
   * lookup; no call waits for it. The JDK keeps an answer for the time of its security property
   * {@code networkaddress.cache.ttl}, 30 s by default, so a change is seen after both times. If a
   * lookup fails, the addresses before stay in use. Until the first one has ended, the client
   * resolves the name. At most 100 addresses are used.
   *
   * <p>Each request goes to an address, and its field {@code Host} has that address and not the
   * name. It is therefore for {@code http} to servers that do not choose by name. A certificate is
   * issued for a name, so {@code https} needs a service with one URI, whose name the client
   * resolves, or endpoints that have a name each.
   *
   * @param host a name of letters, digits, dots and hyphens
   * @param port 1 to 65,535
   * @return the endpoints
   * @throws IllegalArgumentException if a value breaks its rule
   */
  static Endpoints dns(String host, int port) {
    return new DnsEndpoints(host, port, name -> List.of(InetAddress.getAllByName(name)));
  }
}
