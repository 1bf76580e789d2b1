package io.commslib.testkit.servers;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Starts a node with the package's own script and an environment of its own, so that the system's
 * configuration, data and port mapper stay untouched.
 */
final class RabbitLauncher implements ServerRecipe {

  /**
   * Local connections only. The port mapper is started here: as a daemon it would outlive the JVM.
   */
  private static final String ERLANG_ARGUMENTS =
      "-kernel inet_dist_use_interface {127,0,0,1} -start_epmd false +S 1:1";

  /** Without it the broker compares with {@code consumer_timeout} once a minute. */
  private static final String CHECK_CONSUMERS_OFTEN = " -rabbit channel_tick_interval 100";

  private final Path script;
  private final Path folder;
  private final int port;
  private final String erlangArguments;
  private final int mapperPort = FreePorts.next();
  private final int distributionPort = FreePorts.next();
  private final ChildProcess portMapper;

  private RabbitLauncher(Path script, Path folder, int port, String erlangArguments) {
    this.script = script;
    this.folder = folder;
    this.port = port;
    this.erlangArguments = erlangArguments;
    this.portMapper =
        ChildProcess.start(
            List.of("epmd", "-port", Integer.toString(mapperPort), "-address", "127.0.0.1"),
            Map.of(),
            folder.resolve("epmd.log"),
            Duration.ZERO);
  }

  static ServerControl start(int port, Map<String, String> settings) {
    Optional<Path> script = RabbitScript.find();
    if (script.isEmpty()) {
      return RabbitContainer.start(port, settings);
    }
    return start(script.get(), port, settings, List.of());
  }

  /** Starts a node on this machine, with plugins. */
  static ServerControl start(
      Path script, int port, Map<String, String> settings, List<String> plugins) {
    Path folder = DataFolder.create("rabbitmq");
    writeConfiguration(folder, port, settings, plugins);
    String arguments =
        settings.containsKey("consumer_timeout")
            ? ERLANG_ARGUMENTS + CHECK_CONSUMERS_OFTEN
            : ERLANG_ARGUMENTS;
    return LocalServer.start(new RabbitLauncher(script, folder, port, arguments), folder);
  }

  static List<String> configuration(int port, Map<String, String> settings) {
    Map<String, String> all = new LinkedHashMap<>();
    all.put("disk_free_limit.absolute", "50MB");
    all.putAll(settings);
    all.put("listeners.tcp.1", "127.0.0.1:" + port);
    return all.entrySet().stream().map(entry -> entry.getKey() + " = " + entry.getValue()).toList();
  }

  @Override
  public String name() {
    return "rabbitmq";
  }

  @Override
  public ChildProcess launch(Path log) {
    return ChildProcess.start(List.of(script.toString()), environment(), log, Duration.ZERO);
  }

  @Override
  public boolean isReady() {
    return AmqpHandshake.succeeds(port);
  }

  @Override
  public void release() {
    portMapper.stop();
  }

  private Map<String, String> environment() {
    Map<String, String> environment = new LinkedHashMap<>();
    environment.put("HOME", folder.toString());
    environment.put("RABBITMQ_NODENAME", "commslib" + port + "@localhost");
    // A missing file keeps the script from reading the system's one.
    environment.put("RABBITMQ_CONF_ENV_FILE", folder.resolve("none.conf").toString());
    environment.put("RABBITMQ_CONFIG_FILE", folder.resolve("rabbitmq.conf").toString());
    environment.put("RABBITMQ_ADVANCED_CONFIG_FILE", folder.resolve("none.config").toString());
    environment.put("RABBITMQ_MNESIA_BASE", folder.resolve("data").toString());
    environment.put("RABBITMQ_LOG_BASE", folder.resolve("log").toString());
    environment.put("RABBITMQ_LOGS", "-");
    environment.put("RABBITMQ_PID_FILE", folder.resolve("pid").toString());
    environment.put("RABBITMQ_ENABLED_PLUGINS_FILE", folder.resolve("plugins").toString());
    environment.put("RABBITMQ_DIST_PORT", Integer.toString(distributionPort));
    environment.put("ERL_EPMD_PORT", Integer.toString(mapperPort));
    environment.put("ERL_EPMD_ADDRESS", "127.0.0.1");
    environment.put("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", erlangArguments);
    return environment;
  }

  private static void writeConfiguration(
      Path folder, int port, Map<String, String> settings, List<String> plugins) {
    DataFolder.write(folder.resolve("rabbitmq.conf"), configuration(port, settings));
    DataFolder.write(folder.resolve("plugins"), List.of("[" + String.join(",", plugins) + "]."));
    Path cookie = DataFolder.write(folder.resolve(".erlang.cookie"), List.of("COMMSLIB" + port));
    try {
      Files.setPosixFilePermissions(cookie, PosixFilePermissions.fromString("r--------"));
    } catch (IOException e) {
      throw new ServerUnavailableException("cannot protect the Erlang cookie", e);
    }
  }
}
