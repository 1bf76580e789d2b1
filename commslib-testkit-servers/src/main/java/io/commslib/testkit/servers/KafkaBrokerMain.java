package io.commslib.testkit.servers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AdminClientConfig;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.common.utils.Utils;
import org.apache.kafka.metadata.storage.Formatter;
import org.apache.kafka.server.common.MetadataVersion;

/**
 * The program of a broker's process, which runs on the broker's class path and not on that of the
 * JVM that starts it: formats the data folder where that is new, runs the broker, and creates a
 * file once the broker serves clients.
 */
final class KafkaBrokerMain {

  /** One cluster id for all clusters, which are never connected. */
  private static final String CLUSTER_ID = "commslibAAAAAAAAAAAAAA";

  private static final int CHECK_TIMEOUT_MILLIS = 1_500;
  private static final int CHECK_PACE_MILLIS = 50;

  private final int nodeId;
  private final String address;
  private final Path readyFile;
  private final int expectedNodes;

  private KafkaBrokerMain(int nodeId, String address, Path readyFile, int expectedNodes) {
    this.nodeId = nodeId;
    this.address = address;
    this.readyFile = readyFile;
    this.expectedNodes = expectedNodes;
  }

  /** Arguments: properties file, address of the broker, file to create, nodes to wait for. */
  public static void main(String[] arguments) throws Exception {
    Properties properties = Utils.loadProps(arguments[0]);
    int nodeId = Integer.parseInt(properties.getProperty("node.id"));
    format(nodeId, properties.getProperty("log.dirs"));
    KafkaBrokerMain broker =
        new KafkaBrokerMain(
            nodeId, arguments[1], Path.of(arguments[2]), Integer.parseInt(arguments[3]));
    broker.announceWhenReady();
    kafka.Kafka.main(new String[] {arguments[0]});
  }

  private static void format(int nodeId, String folder) throws Exception {
    new Formatter()
        .setNodeId(nodeId)
        .setClusterId(CLUSTER_ID)
        .setDirectories(List.of(folder))
        .setMetadataLogDirectory(folder)
        .setReleaseVersion(MetadataVersion.latestProduction())
        .setControllerListenerName("CONTROLLER")
        .setIgnoreFormatted(true)
        .run();
  }

  private void announceWhenReady() {
    ScheduledExecutorService checker =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "commslib-servers-ready-1");
              thread.setDaemon(true);
              return thread;
            });
    Admin admin =
        Admin.create(
            Map.of(
                AdminClientConfig.BOOTSTRAP_SERVERS_CONFIG, address,
                AdminClientConfig.RECONNECT_BACKOFF_MS_CONFIG, CHECK_PACE_MILLIS,
                AdminClientConfig.RECONNECT_BACKOFF_MAX_MS_CONFIG, CHECK_PACE_MILLIS));
    var unused =
        checker.scheduleWithFixedDelay(
            () -> {
              if (serves(admin)) {
                announce();
                admin.close();
                checker.shutdown();
              }
            },
            0,
            CHECK_PACE_MILLIS,
            TimeUnit.MILLISECONDS);
  }

  private boolean serves(Admin admin) {
    try {
      DescribeClusterOptions options = new DescribeClusterOptions().timeoutMs(CHECK_TIMEOUT_MILLIS);
      var nodes =
          admin.describeCluster(options).nodes().get(CHECK_TIMEOUT_MILLIS, TimeUnit.MILLISECONDS);
      return nodes.size() >= expectedNodes && nodes.stream().anyMatch(node -> node.id() == nodeId);
    } catch (ExecutionException | TimeoutException notYet) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void announce() {
    try {
      Files.createFile(readyFile);
    } catch (IOException e) {
      throw new IllegalStateException("cannot create " + readyFile, e);
    }
  }
}
