package io.commslib.rabbit;

import com.rabbitmq.client.Address;
import com.rabbitmq.client.ConnectionFactory;
import io.commslib.core.checks.Checks;
import io.commslib.core.tls.TlsIdentity;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Addresses and login of the broker, parsed from a URI. The parsers of the JDK and of the client
 * know neither names with an underscore nor several hosts, and the client's falls back to {@code
 * localhost} for them. So this class parses and checks all parts itself. Neither its error messages
 * nor its text show user or password. Immutable.
 */
final class RabbitAddress {

  private static final String HIDDEN = "(not shown)";
  private static final String ENCODED =
      "every other character of user, password and vhost percent-encoded";
  private static final String FORM =
      "amqp://user:password@host:port,host:port/vhost or amqps://..., " + ENCODED;

  private static final Pattern URI =
      Pattern.compile("(?s)(?i:(amqps?))://([^/?#]*)(/[^?#]*)?([?#].*)?");

  /** What a URI allows inside user and password, and letters that are not ASCII. */
  private static final Pattern LOGIN = textOf(":");

  private static final Pattern VIRTUAL_HOST = textOf(":/");

  private static final Pattern HOST =
      Pattern.compile("([A-Za-z0-9_](?:[A-Za-z0-9._-]*)|\\[[0-9A-Fa-f:.]+])(?::([0-9]{0,5}))?");

  private final boolean tls;
  private final List<Address> hosts;
  private final @Nullable String user;
  private final @Nullable String password;
  private final @Nullable String virtualHost;

  private RabbitAddress(Matcher uri) {
    this.tls = uri.group(1).length() == "amqps".length();
    String authority = uri.group(2);
    int at = authority.lastIndexOf('@');
    this.hosts = hosts(authority.substring(at + 1));
    String login = at < 0 ? null : authority.substring(0, at);
    int colon = login == null ? -1 : login.indexOf(':');
    check(
        "uri user",
        login == null
            || (LOGIN.matcher(login).matches()
                && !login.isEmpty()
                && colon != 0
                && login.indexOf(':', colon + 1) < 0),
        "user:password with one colon, a colon inside of them as %3A, an at sign as %40, "
            + ENCODED);
    this.user = login == null ? null : decoded("uri user", colon < 0 ? login : before(login));
    this.password = colon < 0 ? null : decoded("uri password", after(login));
    String path = uri.group(3);
    check(
        "uri vhost",
        path == null || (VIRTUAL_HOST.matcher(path).matches() && path.indexOf('/', 1) < 0),
        "one name after the host, a slash inside of it as %2F, an at sign as %40, " + ENCODED);
    this.virtualHost = path == null ? null : decoded("uri vhost", path.substring(1));
    check(
        "uri query",
        uri.group(4) == null,
        "none, timeouts and heartbeat are settings of RabbitTransportConfig");
  }

  private static Pattern textOf(String more) {
    return Pattern.compile(
        "(?:[A-Za-z0-9._~!$&'()*+,;=" + more + "-]|%[0-9A-Fa-f]{2}|[^\\x00-\\x7F\\p{Zs}\\p{Cc}])*");
  }

  /** Parses a URI; an error names the invalid part and its rule, without showing its value. */
  static RabbitAddress of(String uri) {
    Matcher parts = URI.matcher(uri);
    check("uri", parts.matches(), FORM);
    return new RabbitAddress(parts);
  }

  private List<Address> hosts(String list) {
    List<Address> found = new ArrayList<>();
    for (String one : list.split(",", -1)) {
      Matcher parts = HOST.matcher(one);
      check(
          "uri host",
          parts.matches() && isAddress(parts.group(1)),
          "host or host:port, several separated by commas, each a name of letters, digits, '-',"
              + " '_' and '.', or an address; "
              + ENCODED);
      String port = parts.group(2);
      boolean named = port != null && !port.isEmpty();
      int number =
          named
              ? Integer.parseInt(port)
              : tls
                  ? ConnectionFactory.DEFAULT_AMQP_OVER_SSL_PORT
                  : ConnectionFactory.DEFAULT_AMQP_PORT;
      check("uri port", number >= 1 && number <= 65_535, "1..65535, or none");
      found.add(new Address(parts.group(1), number));
    }
    return List.copyOf(found);
  }

  /** Whether a text in brackets is an IPv6 address. The JDK parses such a text and asks no DNS. */
  private static boolean isAddress(String host) {
    if (!host.startsWith("[")) {
      return true;
    }
    try {
      return InetAddress.getByName(host) != null;
    } catch (UnknownHostException e) {
      return false;
    }
  }

  private static void check(String part, boolean condition, String rule) {
    Checks.check(condition, part, HIDDEN, rule);
  }

  private static String before(String login) {
    return login.substring(0, login.indexOf(':'));
  }

  private static String after(@Nullable String login) {
    return login == null ? "" : login.substring(login.indexOf(':') + 1);
  }

  /** Decodes percent-encoded UTF-8; a plus sign stays a plus sign. */
  private static String decoded(String part, String text) {
    ByteBuffer bytes = ByteBuffer.allocate(text.length() * 4);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '%') {
        // Two hexadecimal digits follow, as the pattern of the part has checked.
        bytes.put((byte) Integer.parseInt(text, i + 1, i + 3, 16));
        i += 2;
      } else {
        boolean pair = Character.isHighSurrogate(c) && i + 1 < text.length();
        String whole = text.substring(i, i + (pair ? 2 : 1));
        bytes.put(whole.getBytes(StandardCharsets.UTF_8));
        i += whole.length() - 1;
      }
    }
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes.flip()).toString();
    } catch (CharacterCodingException e) {
      throw new IllegalArgumentException(
          part + ": " + HIDDEN + " (expected: percent-encoded UTF-8)");
    }
  }

  /** {@return the hosts in the order of the URI; at least one} */
  List<Address> hosts() {
    return hosts;
  }

  boolean isTls() {
    return tls;
  }

  /**
   * Sets the first address, the login, and the identity or the JVM's trust store for TLS; parts
   * that the URI omits keep the client's defaults.
   */
  void applyTo(ConnectionFactory factory, @Nullable TlsIdentity identity) {
    if (tls) {
      try {
        // Explicit, since the defaults of older clients trust every certificate.
        factory.useSslProtocol(identity == null ? SSLContext.getDefault() : identity.sslContext());
        factory.enableHostnameVerification();
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("TLS (expected: in every JVM)", e);
      }
    }
    factory.setHost(hosts.get(0).getHost());
    factory.setPort(hosts.get(0).getPort());
    if (user != null) {
      factory.setUsername(user);
    }
    if (password != null) {
      factory.setPassword(password);
    }
    if (virtualHost != null) {
      factory.setVirtualHost(virtualHost);
    }
  }

  /** {@return scheme, hosts and ports} */
  @Override
  public String toString() {
    return (tls ? "amqps://" : "amqp://")
        + hosts.stream()
            .map(address -> address.getHost() + ":" + address.getPort())
            .collect(Collectors.joining(","));
  }
}
