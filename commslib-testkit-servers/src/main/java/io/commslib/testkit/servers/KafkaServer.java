package io.commslib.testkit.servers;

import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A Kafka broker in a JVM of its own, with its controller in the same process.
 *
 * <p>The broker's jars are no dependency of this module. Where it is used from its jar, set the
 * environment variable {@code KAFKA_HOME} to the folder of an unpacked Kafka, or {@code
 * COMMSLIB_TEST_KAFKA} to the address of a running broker.
 *
 * <p>Topics are not created automatically. A killed broker restarts within a few seconds. {@link
 * KafkaCluster} has several brokers.
 */
public final class KafkaServer extends ControlledServer {

  private static final CreatedOnce<KafkaServer> SHARED =
      new CreatedOnce<>(KafkaServer::createShared);

  private static final String ADDRESS_VARIABLE = "COMMSLIB_TEST_KAFKA";

  private final String bootstrapServers;

  KafkaServer(ServerControl control, String bootstrapServers) {
    super(control);
    this.bootstrapServers = bootstrapServers;
  }

  /**
   * System property; if {@code true}, brokers get a larger heap and the full compiler: slower to
   * start, faster for long.
   */
  public static final String LONG_RUN_PROPERTY = "commslib.servers.longRun";

  /**
   * Starts a broker without topics and blocks until it serves clients.
   *
   * @return the broker; the caller closes it
   * @throws ServerUnavailableException if its jars are missing or it doesn't start
   */
  public static KafkaServer start() {
    return start(Map.of());
  }

  /**
   * Starts a broker with additional properties, such as {@code message.max.bytes}.
   *
   * @param properties names and values as in {@code server.properties}; they win over the
   *     launcher's, except addresses and folders
   * @return the broker; the caller closes it
   * @throws ServerUnavailableException if its jars are missing or it doesn't start
   */
  public static KafkaServer start(Map<String, String> properties) {
    Map<String, String> copy = Map.copyOf(properties);
    KafkaNode node = KafkaNode.create(1);
    return new KafkaServer(control(node, copy), node.address());
  }

  /**
   * Starts a broker with a second listener for clients that advertises another port than its own:
   * that of a proxy that forwards to it.
   *
   * @param port the port of the second listener, free on the loopback interface
   * @param advertisedPort the port that clients of this listener are sent to
   * @param properties as in {@link #start(Map)}
   * @return the broker, with the address of its first listener; the caller closes it
   * @throws ServerUnavailableException if its jars are missing or it doesn't start
   */
  public static KafkaServer startBehind(
      int port, int advertisedPort, Map<String, String> properties) {
    Map<String, String> all = new HashMap<>(properties);
    all.put(
        KafkaProperties.DOORS, KafkaProperties.door("SECOND", "PLAINTEXT", port, advertisedPort));
    return start(all);
  }

  /**
   * Returns the broker that all functional tests of this JVM share; the first call starts it.
   *
   * @return the broker named by {@code COMMSLIB_TEST_KAFKA}, else one that ends with the JVM
   * @throws ServerUnavailableException if its jars are missing or it doesn't start
   */
  public static KafkaServer shared() {
    return SHARED.get();
  }

  /**
   * Returns the address for clients; it stays the same over restarts.
   *
   * @return host and port, as for {@code bootstrap.servers}
   */
  public String bootstrapServers() {
    return bootstrapServers;
  }

  private static ServerControl control(KafkaNode node, Map<String, String> properties) {
    return KafkaLibraries.classPath()
        .<ServerControl>map(classPath -> local(classPath, node, properties))
        .orElseGet(() -> KafkaContainer.start(node, properties));
  }

  private static LocalServer local(
      String classPath, KafkaNode node, Map<String, String> properties) {
    return KafkaLauncher.launch(classPath, node, List.of(node), properties).readyOrClosed();
  }

  private static KafkaServer createShared() {
    String address = System.getenv(ADDRESS_VARIABLE);
    if (address != null && !address.isBlank()) {
      return new KafkaServer(ProtectedControl.remote(ADDRESS_VARIABLE), address);
    }
    KafkaNode node = KafkaNode.create(1);
    return new KafkaServer(ProtectedControl.shared(control(node, Map.of())), node.address());
  }
}
