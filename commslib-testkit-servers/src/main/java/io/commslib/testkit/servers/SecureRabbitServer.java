package io.commslib.testkit.servers;

import io.commslib.testkit.servers.TestCertificates.Holder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/**
 * A RabbitMQ node with TLS, and with users, virtual hosts and permissions from a definitions file.
 * Its certificate is that of {@link TestCertificates#shared()} for a server; it is not valid for
 * {@link #otherHost()}. A client with a certificate may log in by the mechanism EXTERNAL, as the
 * user of its common name.
 *
 * <p>The user {@code guest} is the administrator, and may connect without TLS too. Needs RabbitMQ
 * on this machine as {@link RabbitServer} does, and never starts a container.
 */
public final class SecureRabbitServer extends ControlledServer {

  private static final String OTHER_HOST = "127.0.0.2";

  private final int plainPort;
  private final int tlsPort;

  private SecureRabbitServer(ServerControl control, int plainPort, int tlsPort) {
    super(control);
    this.plainPort = plainPort;
    this.tlsPort = tlsPort;
  }

  /**
   * Starts a list of definitions.
   *
   * @return new builder
   */
  public static Builder builder() {
    return new Builder();
  }

  /**
   * Returns the host of the node.
   *
   * @return a name that the certificate is valid for
   */
  public String host() {
    return "localhost";
  }

  /**
   * Returns another address of the same node.
   *
   * @return an address that the certificate is not valid for
   */
  public String otherHost() {
    return OTHER_HOST;
  }

  /**
   * Returns the port with TLS; it stays the same over restarts.
   *
   * @return the port
   */
  public int port() {
    return tlsPort;
  }

  /**
   * Returns the address of the administrator, without TLS.
   *
   * @param virtualHost letters and digits, or {@code %2F} for the first one
   * @return an AMQP URI
   */
  public String adminUri(String virtualHost) {
    return "amqp://guest:guest@127.0.0.1:" + plainPort + "/" + virtualHost;
  }

  /** The definitions of a node. Not thread-safe. */
  public static final class Builder {

    private final Set<String> virtualHosts = new LinkedHashSet<>(List.of("/"));
    private final Map<String, String> passwords = new LinkedHashMap<>(Map.of("guest", "guest"));
    private final List<String> permissions = new ArrayList<>();

    private Builder() {
      permissions("guest", "/", ".*", ".*", ".*");
    }

    /**
     * Adds a virtual host, with all permissions for the administrator.
     *
     * @param name letters and digits
     * @return this
     */
    public Builder virtualHost(String name) {
      virtualHosts.add(name);
      return permissions("guest", name, ".*", ".*", ".*");
    }

    /**
     * Adds a user without permissions.
     *
     * @param name any text
     * @param password any text
     * @return this
     */
    public Builder user(String name, String password) {
      passwords.put(name, password);
      return this;
    }

    /**
     * Adds the permissions of a user in a virtual host.
     *
     * @param user a user of this list
     * @param virtualHost a virtual host of this list
     * @param configure pattern of the names that the user may declare
     * @param write pattern of the names that the user may publish to, or bind
     * @param read pattern of the names that the user may consume, or bind to
     * @return this
     */
    public Builder permissions(
        String user, String virtualHost, String configure, String write, String read) {
      permissions.add(
          object(
              Map.of(
                  "user",
                  text(user),
                  "vhost",
                  text(virtualHost),
                  "configure",
                  text(configure),
                  "write",
                  text(write),
                  "read",
                  text(read))));
      return this;
    }

    /**
     * Starts the node and blocks until it serves clients.
     *
     * @return the node; the caller closes it
     * @throws ServerUnavailableException if RabbitMQ isn't installed or it doesn't start
     */
    public SecureRabbitServer start() {
      Path script =
          RabbitScript.find()
              .orElseThrow(
                  () ->
                      new ServerUnavailableException(
                          "RabbitMQ: install the package rabbitmq-server", null));
      TestCertificates certificates = TestCertificates.shared();
      int port = FreePorts.next();
      int tlsPort = FreePorts.next();
      Path definitions =
          DataFolder.write(
              DataFolder.create("rabbitmq-definitions").resolve("definitions.json"),
              List.of(definitions()));
      Map<String, String> settings = new LinkedHashMap<>();
      settings.put("load_definitions", definitions.toString());
      settings.put("listeners.ssl.1", "127.0.0.1:" + tlsPort);
      settings.put("listeners.ssl.2", OTHER_HOST + ":" + tlsPort);
      settings.put("ssl_options.cacertfile", certificates.authority().toString());
      settings.put("ssl_options.certfile", certificates.certificate(Holder.SERVER).toString());
      settings.put("ssl_options.keyfile", certificates.key(Holder.SERVER).toString());
      settings.put("ssl_options.verify", "verify_peer");
      settings.put("ssl_options.fail_if_no_peer_cert", "false");
      settings.put("ssl_cert_login_from", "common_name");
      settings.put("auth_mechanisms.1", "PLAIN");
      settings.put("auth_mechanisms.2", "EXTERNAL");
      return new SecureRabbitServer(
          RabbitLauncher.start(script, port, settings, List.of("rabbitmq_auth_mechanism_ssl")),
          port,
          tlsPort);
    }

    private String definitions() {
      List<String> hosts =
          virtualHosts.stream().map(name -> object(Map.of("name", text(name)))).toList();
      List<String> users =
          passwords.entrySet().stream()
              .map(
                  user ->
                      object(
                          Map.of(
                              "name",
                              text(user.getKey()),
                              "password_hash",
                              text(hash(user.getValue())),
                              "hashing_algorithm",
                              text("rabbit_password_hashing_sha256"),
                              "tags",
                              array(
                                  user.getKey().equals("guest")
                                      ? List.of(text("administrator"))
                                      : List.of()))))
              .toList();
      return object(
          Map.of("vhosts", array(hosts), "users", array(users), "permissions", array(permissions)));
    }

    /** The form of RabbitMQ: four bytes of salt, then the digest of salt and password. */
    private static String hash(String password) {
      byte[] salt = {1, 2, 3, 4};
      try {
        MessageDigest digest = MessageDigest.getInstance("SHA-256");
        digest.update(salt);
        byte[] hashed = digest.digest(password.getBytes(StandardCharsets.UTF_8));
        byte[] all = new byte[salt.length + hashed.length];
        System.arraycopy(salt, 0, all, 0, salt.length);
        System.arraycopy(hashed, 0, all, salt.length, hashed.length);
        return Base64.getEncoder().encodeToString(all);
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("SHA-256 (expected: in every JVM)", e);
      }
    }

    private static String text(String value) {
      return '"' + value.replace("\\", "\\\\").replace("\"", "\\\"") + '"';
    }

    private static String array(List<String> values) {
      return "[" + String.join(",", values) + "]";
    }

    private static String object(Map<String, String> fields) {
      return fields.entrySet().stream()
          .map(field -> text(field.getKey()) + ":" + field.getValue())
          .collect(Collectors.joining(",", "{", "}"));
    }
  }
}
