package io.commslib.testkit.servers;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** PostgreSQL as a container, the last resort. */
final class PostgresContainer {

  private static final String IMAGE = "postgres:18";

  private PostgresContainer() {}

  static ServerControl start(int port, Map<String, String> settings) {
    Container.requireEngine(
        "PostgreSQL", "the package postgresql, or a class path with the binaries' artifact");
    List<String> arguments = new ArrayList<>();
    arguments.addAll(List.of("-e", "POSTGRES_HOST_AUTH_METHOD=trust", IMAGE));
    settings.forEach((name, value) -> arguments.addAll(List.of("-c", name + "=" + value)));
    arguments.addAll(List.of("-c", "port=" + port, "-c", "listen_addresses=127.0.0.1"));
    return Container.start("postgres", arguments, () -> PostgresLauncher.answers(port));
  }
}
