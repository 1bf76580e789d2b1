package io.commslib.testkit.servers;

import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;

/** Starts {@code postgres} itself, not {@code pg_ctl}: so its exit code and pid are available. */
final class PostgresLauncher implements ServerRecipe {

  private static final Duration IMMEDIATE_SHUTDOWN = Duration.ofSeconds(2);

  private final PostgresBinaries binaries;
  private final Path data;
  private final int port;
  private final Map<String, String> settings;

  private PostgresLauncher(
      PostgresBinaries binaries, Path data, int port, Map<String, String> settings) {
    this.binaries = binaries;
    this.data = data;
    this.port = port;
    this.settings = settings;
  }

  static ServerControl start(int port, Map<String, String> settings) {
    Map<String, String> all = durableSettings();
    all.putAll(settings);
    Optional<PostgresBinaries> binaries = PostgresBinaries.find();
    if (binaries.isEmpty()) {
      return PostgresContainer.start(port, all);
    }
    Path folder = DataFolder.create("postgres");
    all.put("port", Integer.toString(port));
    all.put("listen_addresses", "127.0.0.1");
    all.put("unix_socket_directories", "");
    PostgresLauncher recipe =
        new PostgresLauncher(binaries.get(), folder.resolve("data"), port, Map.copyOf(all));
    recipe.createDataFolder(folder.resolve("initdb.log"));
    return LocalServer.start(recipe, folder);
  }

  static String jdbcUrl(int port) {
    return "jdbc:postgresql://127.0.0.1:" + port + "/postgres";
  }

  static boolean answers(int port) {
    Properties properties = new Properties();
    properties.setProperty("user", PostgresServer.USER);
    properties.setProperty("password", PostgresServer.USER);
    properties.setProperty("connectTimeout", "2");
    properties.setProperty("socketTimeout", "2");
    try (Connection connection = DriverManager.getConnection(jdbcUrl(port), properties)) {
      return connection.isValid(2);
    } catch (SQLException notYet) {
      return false;
    }
  }

  @Override
  public String name() {
    return "postgres";
  }

  @Override
  public ChildProcess launch(Path log) {
    List<String> arguments = new ArrayList<>(List.of("-D", data.toString()));
    settings.forEach((name, value) -> arguments.addAll(List.of("-c", name + "=" + value)));
    return ChildProcess.start(
        binaries.command("postgres", arguments), Map.of(), log, IMMEDIATE_SHUTDOWN);
  }

  @Override
  public boolean isReady() {
    return answers(port);
  }

  private void createDataFolder(Path log) {
    binaries.own(data);
    Shell.run(
        binaries.command(
            "initdb",
            List.of(
                "-D",
                data.toString(),
                "-U",
                PostgresServer.USER,
                "--auth=trust",
                "--encoding=UTF8",
                "--no-locale",
                "--no-sync")),
        log);
  }

  private static Map<String, String> durableSettings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("fsync", "on");
    settings.put("synchronous_commit", "on");
    settings.put("max_connections", "200");
    // In the data folder, so that it is deleted with it even after a kill.
    settings.put("dynamic_shared_memory_type", "mmap");
    return settings;
  }
}
