package io.commslib.testkit.servers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Finds the script that starts a node. The script on the path changes to the system's user and data
 * folder, so it is not used.
 */
final class RabbitScript {

  private static final Path DEBIAN = Path.of("/usr/lib/rabbitmq/lib");
  private static final Path IN_HOME = Path.of("sbin", "rabbitmq-server");

  private RabbitScript() {}

  static Optional<Path> find() {
    Optional<Path> named =
        Optional.ofNullable(System.getenv("RABBITMQ_HOME")).map(home -> Path.of(home));
    return named
        .or(RabbitScript::newestPackaged)
        .map(home -> home.resolve(IN_HOME))
        .filter(Files::isExecutable);
  }

  private static Optional<Path> newestPackaged() {
    if (!Files.isDirectory(DEBIAN)) {
      return Optional.empty();
    }
    try (Stream<Path> homes = Files.list(DEBIAN)) {
      return homes
          .filter(home -> Files.isExecutable(home.resolve(IN_HOME)))
          .max(Comparator.comparing(Path::toString));
    } catch (IOException unreadable) {
      return Optional.empty();
    }
  }
}
