package io.commslib.http;

import java.net.InetAddress;
import java.util.List;

/** Looks a name up, so that tests need no name server. Thread-safe. */
@FunctionalInterface
interface NameResolver {

  /** Returns the addresses of a name. Blocks, and can't be interrupted. */
  List<InetAddress> resolve(String host) throws Exception;
}
