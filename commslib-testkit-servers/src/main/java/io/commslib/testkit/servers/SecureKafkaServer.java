package io.commslib.testkit.servers;

import io.commslib.testkit.servers.TestCertificates.Holder;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * A Kafka broker with TLS, SASL and an authorizer, in a JVM of its own. Each listener has an
 * address of its own. All certificates are those of {@link TestCertificates#shared()}.
 *
 * <p>Only the user of {@link Listener#ADMIN} may do anything. What others may do is granted there
 * by ACLs of Kafka's admin client, which also creates users for SCRAM-SHA-512. The user of a client
 * certificate is its common name. Needs the broker's jars as {@link KafkaServer} does, and never
 * starts a container.
 */
public final class SecureKafkaServer extends ControlledServer {

  /** The ways into the broker. */
  public enum Listener {
    /** Without TLS and login, as a super user. */
    ADMIN("PLAINTEXT"),
    /** TLS, with a login by SCRAM-SHA-512 or PLAIN. */
    SASL("SASL_SSL"),
    /** TLS, with a login by a client certificate. */
    CERTIFICATE("SSL"),
    /** As {@link #SASL}; the broker's certificate is for another host. */
    OTHERHOST("SASL_SSL"),
    /** As {@link #SASL}; the broker's certificate has expired. */
    EXPIRED("SASL_SSL");

    private final String protocol;

    Listener(String protocol) {
      this.protocol = protocol;
    }

    private String setting(String name) {
      return "listener.name." + name().toLowerCase(Locale.ROOT) + "." + name;
    }
  }

  private final Map<Listener, Integer> ports;

  private SecureKafkaServer(ServerControl control, Map<Listener, Integer> ports) {
    super(control);
    this.ports = ports;
  }

  /**
   * Starts a broker without topics and blocks until it serves clients.
   *
   * @param plainUsers names and passwords of the users who log in by PLAIN; letters and digits
   * @return the broker; the caller closes it
   * @throws ServerUnavailableException if its jars are missing or it doesn't start
   */
  public static SecureKafkaServer start(Map<String, String> plainUsers) {
    String classPath =
        KafkaLibraries.classPath()
            .orElseThrow(
                () -> new ServerUnavailableException(KafkaLibraries.HOW_TO_GET_THEM, null));
    KafkaNode node = KafkaNode.create(1);
    Map<Listener, Integer> ports = new EnumMap<>(Listener.class);
    List<String> doors = new ArrayList<>();
    ports.put(Listener.ADMIN, node.port());
    for (Listener listener : Listener.values()) {
      if (listener != Listener.ADMIN) {
        int port = FreePorts.next();
        ports.put(listener, port);
        doors.add(KafkaProperties.door(listener.name(), listener.protocol, port, port));
      }
    }
    Map<String, String> properties = properties(plainUsers);
    properties.put(KafkaProperties.DOORS, String.join(",", doors));
    LocalServer server =
        KafkaLauncher.launch(classPath, node, List.of(node), properties).readyOrClosed();
    return new SecureKafkaServer(server, ports);
  }

  private static Map<String, String> properties(Map<String, String> plainUsers) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("authorizer.class.name", "org.apache.kafka.metadata.authorizer.StandardAuthorizer");
    all.put("super.users", "User:ANONYMOUS");
    all.put("ssl.principal.mapping.rules", "RULE:^CN=([^,]+).*$/$1/");
    all.put("ssl.truststore.location", TestCertificates.shared().trustStore().toString());
    all.put("ssl.truststore.password", TestCertificates.PASSWORD);
    all.put("ssl.truststore.type", "PKCS12");
    StringBuilder plain =
        new StringBuilder("org.apache.kafka.common.security.plain.PlainLoginModule required");
    plainUsers.forEach(
        (name, password) ->
            plain.append(" user_").append(name).append("=\"").append(password).append('"'));
    for (Listener listener : Listener.values()) {
      if (listener.protocol.equals("SASL_SSL")) {
        all.put(listener.setting("sasl.enabled.mechanisms"), "PLAIN,SCRAM-SHA-512");
        all.put(listener.setting("plain.sasl.jaas.config"), plain + ";");
        all.put(
            listener.setting("scram-sha-512.sasl.jaas.config"),
            "org.apache.kafka.common.security.scram.ScramLoginModule required;");
      }
    }
    addKeyStore(all, Listener.SASL, Holder.SERVER);
    addKeyStore(all, Listener.CERTIFICATE, Holder.SERVER);
    addKeyStore(all, Listener.OTHERHOST, Holder.OTHER_HOST);
    addKeyStore(all, Listener.EXPIRED, Holder.EXPIRED);
    all.put(Listener.CERTIFICATE.setting("ssl.client.auth"), "required");
    return all;
  }

  private static void addKeyStore(Map<String, String> all, Listener listener, Holder holder) {
    all.put(
        listener.setting("ssl.keystore.location"),
        TestCertificates.shared().keyStore(holder).toString());
    all.put(listener.setting("ssl.keystore.password"), TestCertificates.PASSWORD);
    all.put(listener.setting("ssl.key.password"), TestCertificates.PASSWORD);
    all.put(listener.setting("ssl.keystore.type"), "PKCS12");
  }

  /**
   * Returns the address of a listener; it stays the same over restarts.
   *
   * @param listener which one
   * @return host and port, as for {@code bootstrap.servers}
   */
  public String bootstrapServers(Listener listener) {
    return "127.0.0.1:" + ports.get(listener);
  }
}
