package io.commslib.testkit.servers;

import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Finds the broker's jars.
 *
 * <p>They are never on the class path of the JVM that starts the broker: another client version
 * there must not break the broker, and the broker's dependencies must not reach the code under
 * test.
 */
final class KafkaLibraries {

  static final String HOW_TO_GET_THEM =
      "the Kafka broker's jars, which are no dependency of this module: set the environment variable"
          + " KAFKA_HOME to the folder of an unpacked Kafka (https://kafka.apache.org/downloads)."
          + " Within the project the build of this module puts them into target/kafka-broker/lib";

  private KafkaLibraries() {}

  /** The class path of the broker's process; empty if there are no jars on this machine. */
  static Optional<String> classPath() {
    return folder().map(libraries -> ownCode() + ":" + libraries.resolve("*"));
  }

  private static Optional<Path> folder() {
    Path bundle = ownCode().resolveSibling("kafka-broker").resolve("lib");
    if (Files.isDirectory(bundle)) {
      return Optional.of(bundle);
    }
    return Optional.ofNullable(System.getenv("KAFKA_HOME"))
        .map(home -> Path.of(home, "libs"))
        .filter(Files::isDirectory);
  }

  /** The folder target/classes, or the jar beside it: both have the bundle as their neighbour. */
  private static Path ownCode() {
    try {
      return Path.of(
          KafkaLibraries.class.getProtectionDomain().getCodeSource().getLocation().toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException("cannot find the location of this module's code", e);
    }
  }
}
