package io.commslib.testkit.servers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** Starts one broker in a JVM of its own. */
final class KafkaLauncher implements ServerRecipe {

  private final String classPath;
  private final KafkaNode node;
  private final Path configuration;
  private final Path ready;
  private final int heapMegabytes;
  private int expectedNodes;

  private KafkaLauncher(
      String classPath, KafkaNode node, Path folder, int heapMegabytes, int expectedNodes) {
    this.classPath = classPath;
    this.node = node;
    this.configuration = folder.resolve("server.properties");
    this.ready = folder.resolve("ready");
    this.heapMegabytes = heapMegabytes;
    this.expectedNodes = expectedNodes;
  }

  /** Starts the broker and returns at once. */
  static LocalServer launch(
      String classPath, KafkaNode node, List<KafkaNode> cluster, Map<String, String> properties) {
    Path folder = DataFolder.create("kafka");
    int heapMegabytes = cluster.size() == 1 ? 384 : 256;
    KafkaLauncher recipe =
        new KafkaLauncher(classPath, node, folder, heapMegabytes, cluster.size());
    DataFolder.write(
        recipe.configuration,
        KafkaProperties.of(node, cluster, folder.resolve("data"), properties));
    return LocalServer.launch(recipe, folder);
  }

  @Override
  public String name() {
    return "kafka broker " + node.id();
  }

  @Override
  public ChildProcess launch(Path log) {
    try {
      Files.deleteIfExists(ready);
    } catch (IOException e) {
      throw new ServerUnavailableException("cannot delete " + ready.getFileName(), e);
    }
    // Tests need a broker that starts quickly; benchmarks need one that is not the bottleneck.
    boolean longRun = Boolean.getBoolean(KafkaServer.LONG_RUN_PROPERTY);
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-Xmx" + (longRun ? 1_024 : heapMegabytes) + "m",
            longRun ? "-XX:+UseG1GC" : "-XX:+UseSerialGC",
            longRun ? "-XX:+TieredCompilation" : "-XX:TieredStopAtLevel=1",
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "-Dorg.slf4j.simpleLogger.showDateTime=true",
            "-cp",
            classPath,
            KafkaBrokerMain.class.getName(),
            configuration.toString(),
            node.address(),
            ready.toString(),
            Integer.toString(expectedNodes));
    // At a restart other brokers may be down, so only this one must be ready.
    expectedNodes = 1;
    return ChildProcess.start(command, Map.of(), log, Duration.ZERO);
  }

  @Override
  public boolean isReady() {
    return Files.exists(ready);
  }
}
