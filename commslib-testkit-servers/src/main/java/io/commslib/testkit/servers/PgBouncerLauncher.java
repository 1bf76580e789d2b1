package io.commslib.testkit.servers;

import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.stream.Stream;

/** Starts {@code pgbouncer} in front of a PostgreSQL server, in the foreground. */
final class PgBouncerLauncher implements ServerRecipe {

  private static final int DEFAULT_PORT = 5432;

  private final UnprivilegedUser user = UnprivilegedUser.toRun("pgbouncer");
  private final Path program;
  private final Path settings;
  private final String url;

  private PgBouncerLauncher(Path program, Path settings, String url) {
    this.program = program;
    this.settings = settings;
    this.url = url;
  }

  /** Starts it; {@code url} is the address through it. */
  static ServerControl start(
      PostgresServer behind, int port, String url, Map<String, String> settings) {
    Path program = find();
    Path folder = DataFolder.create("pgbouncer");
    Path own = folder.resolve("own");
    try {
      Files.createDirectories(own);
    } catch (IOException e) {
      throw new ServerUnavailableException("cannot create the folder of pgbouncer", e);
    }
    Path file = DataFolder.write(own.resolve("pgbouncer.ini"), lines(behind, port, settings));
    PgBouncerLauncher recipe = new PgBouncerLauncher(program, file, url);
    recipe.user.own(own);
    return LocalServer.start(recipe, folder);
  }

  private static List<String> lines(PostgresServer behind, int port, Map<String, String> settings) {
    URI server = URI.create(behind.jdbcUrl().substring("jdbc:".length()));
    Map<String, String> all = new LinkedHashMap<>();
    all.put("listen_addr", "127.0.0.1");
    all.put("listen_port", Integer.toString(port));
    all.put("unix_socket_dir", "");
    all.put("auth_type", "any");
    all.put("pool_mode", "transaction");
    all.put("max_client_conn", "200");
    // JDBC's driver sends it at each connect.
    all.put("ignore_startup_parameters", "extra_float_digits");
    all.putAll(settings);
    List<String> lines = new ArrayList<>();
    lines.add("[databases]");
    lines.add(
        "* = host="
            + server.getHost()
            + " port="
            + (server.getPort() < 0 ? DEFAULT_PORT : server.getPort())
            + " user="
            + behind.user()
            + " password='"
            + behind.password().replace("'", "''")
            + "'");
    lines.add("[pgbouncer]");
    all.forEach((name, value) -> lines.add(name + " = " + value));
    return lines;
  }

  private static Path find() {
    String path = System.getenv().getOrDefault("PATH", "");
    // Debian puts it into a folder that a user's PATH may lack.
    return Stream.of((path + ":/usr/sbin").split(":", -1))
        .filter(folder -> !folder.isEmpty())
        .map(folder -> Path.of(folder, "pgbouncer"))
        .filter(Files::isExecutable)
        .findFirst()
        .orElseThrow(
            () ->
                new ServerUnavailableException(
                    "pgbouncer: not found (expected: the package pgbouncer; install it, for example"
                        + " with bin/setup pgbouncer)",
                    null));
  }

  @Override
  public String name() {
    return "pgbouncer";
  }

  @Override
  public ChildProcess launch(Path log) {
    return ChildProcess.start(
        user.command(program, List.of(settings.toString())), Map.of(), log, Duration.ZERO);
  }

  @Override
  public boolean isReady() {
    Properties properties = new Properties();
    properties.setProperty("user", PostgresServer.USER);
    properties.setProperty("password", PostgresServer.USER);
    properties.setProperty("connectTimeout", "2");
    properties.setProperty("socketTimeout", "2");
    try (Connection connection = DriverManager.getConnection(url, properties)) {
      return connection.isValid(2);
    } catch (SQLException notYet) {
      return false;
    }
  }
}
