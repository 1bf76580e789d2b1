package io.commslib.testkit.servers;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** A RabbitMQ node as a container, the last resort. */
final class RabbitContainer {

  private static final String IMAGE = "rabbitmq:4";

  private RabbitContainer() {}

  static ServerControl start(int port, Map<String, String> settings) {
    Container.requireEngine("RabbitMQ", "the package rabbitmq-server");
    Path folder = DataFolder.create("rabbitmq-container");
    Path configuration =
        DataFolder.write(
            folder.resolve("rabbitmq.conf"), RabbitLauncher.configuration(port, settings));
    List<String> arguments =
        List.of(
            "-e",
            "RABBITMQ_NODENAME=commslib" + port + "@localhost",
            "-e",
            "RABBITMQ_DIST_PORT=" + FreePorts.next(),
            "-e",
            "ERL_EPMD_PORT=" + FreePorts.next(),
            "-v",
            configuration + ":/etc/rabbitmq/rabbitmq.conf:ro",
            IMAGE);
    return Container.start("rabbitmq", arguments, () -> AmqpHandshake.succeeds(port));
  }
}
