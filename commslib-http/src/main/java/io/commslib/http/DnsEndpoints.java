package io.commslib.http;

import io.commslib.core.checks.Checks;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Pattern;

/**
 * The addresses of a name. Until the first lookup has ended the name itself is the only endpoint,
 * which the client resolves, so that a service starts while the name server does not answer.
 * Immutable.
 */
final class DnsEndpoints implements Endpoints {

  /**
   * More would only make the choice slower. Which ones are left out is the same for each lookup.
   */
  static final int MAX_RESOLVED = 100;

  private static final Pattern HOST = Pattern.compile("[A-Za-z0-9]([A-Za-z0-9.-]{0,252})");

  private final String host;
  private final int port;
  private final NameResolver resolver;

  DnsEndpoints(String host, int port, NameResolver resolver) {
    this.host = Checks.matches("host", host, HOST, "a name of letters, digits, dots and hyphens");
    this.port = Checks.inRange("port", port, 1, 65_535);
    this.resolver = resolver;
    // The JDK's client takes the host from a URI, which knows fewer names than a name server.
    Checks.check(
        current().get(0).getHost() != null,
        "host",
        host,
        "a name of labels that begin and end with a letter or digit, the last one with a letter");
  }

  /** The endpoint before the first lookup; blocks nothing. */
  @Override
  public List<URI> current() {
    return List.of(URI.create("http://" + host + ":" + port));
  }

  /** Looks the name up. Blocks. */
  List<URI> lookUp() throws Exception {
    List<URI> found = new ArrayList<>();
    for (InetAddress address : resolver.resolve(host)) {
      String text = address.getHostAddress();
      // An address of one network interface can't be part of a URI.
      if (text.indexOf('%') < 0) {
        String authority = address instanceof Inet6Address ? "[" + text + "]" : text;
        found.add(URI.create("http://" + authority + ":" + port));
      }
    }
    return found.stream().distinct().sorted().limit(MAX_RESOLVED).toList();
  }
}
