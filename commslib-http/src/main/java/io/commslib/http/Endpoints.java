package io.commslib.http;

import java.net.URI;
import java.util.List;

/**
 * The addresses at which the instances of a service answer. {@link #of} has a fixed list; users
 * implement it for their own discovery. Thread-safe.
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
}
