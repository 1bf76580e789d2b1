package io.commslib.rabbit;

import com.rabbitmq.client.ConnectionFactory;
import io.commslib.core.checks.Checks;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Address and login of the broker, parsed from a URI. The client's own parser falls back to {@code
 * localhost} for an invalid host and corrupts non-ASCII characters; so this class parses and checks
 * all parts itself. Neither its error messages nor its text show user or password. Immutable.
 */
final class RabbitAddress {

  private static final String HIDDEN = "(not shown)";
  private static final String FORM =
      "amqp://user:password@host:port/vhost with one host;"
          + " other characters of user, password and vhost percent-encoded";

  private final boolean tls;
  private final String host;
  private final int port;
  private final @Nullable String user;
  private final @Nullable String password;
  private final @Nullable String virtualHost;

  private RabbitAddress(URI uri) {
    String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    check("uri", scheme.equals("amqp") || scheme.equals("amqps"), FORM);
    this.tls = scheme.equals("amqps");
    check("uri", !uri.isOpaque(), FORM);
    // Without a valid host, URI treats user, password and host as one name.
    check(
        "uri host",
        uri.getHost() != null,
        "one name of letters, digits, '-' and '.', or an address; "
            + "every other character of user and password percent-encoded");
    this.host = uri.getHost();
    check("uri port", uri.getPort() != 0 && uri.getPort() <= 65_535, "1..65535, or none");
    this.port =
        uri.getPort() > 0
            ? uri.getPort()
            : tls
                ? ConnectionFactory.DEFAULT_AMQP_OVER_SSL_PORT
                : ConnectionFactory.DEFAULT_AMQP_PORT;
    String login = uri.getRawUserInfo();
    int colon = login == null ? -1 : login.indexOf(':');
    check(
        "uri user",
        login == null || (!login.isEmpty() && colon != 0 && login.indexOf(':', colon + 1) < 0),
        "user:password with one colon, a colon inside of them as %3A");
    this.user = login == null ? null : decoded("uri user", colon < 0 ? login : before(login));
    this.password = colon < 0 ? null : decoded("uri password", after(login));
    String path = uri.getRawPath();
    boolean named = path != null && !path.isEmpty();
    check(
        "uri vhost",
        !named || path.indexOf('/', 1) < 0,
        "one name after the host, a slash inside of it as %2F");
    this.virtualHost = named ? decoded("uri vhost", path.substring(1)) : null;
    check(
        "uri query",
        uri.getRawQuery() == null && uri.getRawFragment() == null,
        "none, timeouts and heartbeat are settings of RabbitTransportConfig");
  }

  /** Parses a URI; an error names the invalid part and its rule, without showing its value. */
  static RabbitAddress of(String uri) {
    try {
      return new RabbitAddress(new URI(uri));
    } catch (URISyntaxException e) {
      // No cause, since its message shows the whole URI.
      throw new IllegalArgumentException("uri: " + HIDDEN + " (expected: " + FORM + ")");
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
        // A valid URI has two hexadecimal digits after each percent sign.
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

  /** Sets address and login; parts that the URI omits keep the client's defaults. */
  void applyTo(ConnectionFactory factory) {
    if (tls) {
      try {
        factory.useSslProtocol();
      } catch (GeneralSecurityException e) {
        throw new IllegalStateException("TLS (expected: in every JVM)", e);
      }
    }
    factory.setHost(host);
    factory.setPort(port);
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

  /** {@return scheme, host and port} */
  @Override
  public String toString() {
    return (tls ? "amqps://" : "amqp://") + host + ":" + port;
  }
}
