package io.commslib.testkit.servers;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** A Kafka broker as a container, the last resort. */
final class KafkaContainer {

  private static final String IMAGE = "apache/kafka:4.1.0";

  private KafkaContainer() {}

  static ServerControl start(KafkaNode node, Map<String, String> properties) {
    Container.requireEngine("Kafka", KafkaLibraries.HOW_TO_GET_THEM);
    List<String> arguments = new ArrayList<>();
    KafkaProperties.of(node, List.of(node), Path.of("/tmp/kafka-data"), properties)
        .forEach(line -> arguments.addAll(List.of("-e", environmentForm(line))));
    arguments.add(IMAGE);
    return Container.start("kafka", arguments, () -> KafkaHandshake.succeeds(node.port()));
  }

  private static String environmentForm(String line) {
    int equals = line.indexOf('=');
    String name = line.substring(0, equals).toUpperCase(Locale.ROOT).replace('.', '_');
    return "KAFKA_" + name + line.substring(equals);
  }
}
