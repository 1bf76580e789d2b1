package io.commslib.testkit.servers;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Several Kafka brokers that form a cluster, each in a JVM of its own and each a controller too.
 *
 * <p>With three, a topic created with default settings has three copies of which two must hold a
 * record; any one broker may be killed. Thread-safe.
 */
public final class KafkaCluster implements AutoCloseable {

  private static final int USUAL_BROKERS = 3;
  private static final int MAX_BROKERS = 9;

  private final List<KafkaServer> brokers;

  private KafkaCluster(List<KafkaServer> brokers) {
    this.brokers = brokers;
  }

  /**
   * Starts three brokers and blocks until each sees all others.
   *
   * @return the cluster; the caller closes it
   * @throws ServerUnavailableException if the broker's jars are missing or a broker doesn't start;
   *     none runs then
   */
  public static KafkaCluster start() {
    return start(USUAL_BROKERS, Map.of());
  }

  /**
   * Starts brokers and blocks until each sees all others.
   *
   * @param brokers the number of brokers, 1 to 9
   * @param properties names and values as in {@code server.properties}, for every broker; they win
   *     over the launcher's, except addresses and folders
   * @return the cluster; the caller closes it
   * @throws IllegalArgumentException if {@code brokers} is out of range
   * @throws ServerUnavailableException if the broker's jars are missing or a broker doesn't start;
   *     none runs then
   */
  public static KafkaCluster start(int brokers, Map<String, String> properties) {
    if (brokers < 1 || brokers > MAX_BROKERS) {
      throw new IllegalArgumentException(
          "brokers: " + brokers + " (expected: 1.." + MAX_BROKERS + ")");
    }
    Map<String, String> copy = Map.copyOf(properties);
    String classPath =
        KafkaLibraries.classPath()
            .orElseThrow(
                () -> new ServerUnavailableException(KafkaLibraries.HOW_TO_GET_THEM, null));
    List<KafkaNode> nodes = IntStream.rangeClosed(1, brokers).mapToObj(KafkaNode::create).toList();
    List<LocalServer> started = new ArrayList<>();
    try {
      // Start all first: none becomes ready before a majority runs.
      nodes.forEach(node -> started.add(KafkaLauncher.launch(classPath, node, nodes, copy)));
      started.forEach(LocalServer::awaitReady);
    } catch (RuntimeException e) {
      started.forEach(LocalServer::close);
      throw e;
    }
    return new KafkaCluster(
        IntStream.range(0, brokers)
            .mapToObj(index -> new KafkaServer(started.get(index), nodes.get(index).address()))
            .toList());
  }

  /**
   * Returns the brokers; the one with node id {@code n} is at index {@code n - 1}.
   *
   * @return an immutable list
   */
  public List<KafkaServer> brokers() {
    return brokers;
  }

  /**
   * Returns the broker with a node id, as Kafka's own interfaces name a leader.
   *
   * @param nodeId from 1 on
   * @return the broker
   * @throws IllegalArgumentException if there is none with this id
   */
  public KafkaServer broker(int nodeId) {
    if (nodeId < 1 || nodeId > brokers.size()) {
      throw new IllegalArgumentException(
          "nodeId: " + nodeId + " (expected: 1.." + brokers.size() + ")");
    }
    return brokers.get(nodeId - 1);
  }

  /**
   * Returns the addresses of all brokers.
   *
   * @return hosts and ports with commas between, as for {@code bootstrap.servers}
   */
  public String bootstrapServers() {
    return brokers.stream().map(KafkaServer::bootstrapServers).collect(Collectors.joining(","));
  }

  /** Ends all brokers and deletes their data. Bounded; repeating it has no effect. */
  @Override
  public void close() {
    brokers.forEach(KafkaServer::close);
  }
}
