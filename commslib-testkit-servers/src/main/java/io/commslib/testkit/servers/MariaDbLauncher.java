package io.commslib.testkit.servers;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/** Starts {@code mariadbd} itself, without the wrapper that would restart it after a kill. */
final class MariaDbLauncher implements ServerRecipe {

  private static final String IMAGE = "mariadb:10.11";
  private static final int PROTOCOL_VERSION = 10;
  private static final int HEADER_BYTES = 4;
  private static final int ANSWER_MILLIS = 2_000;

  private final Path server;
  private final Path data;
  private final int port;
  private final List<String> arguments;

  private MariaDbLauncher(Path server, Path data, int port, List<String> arguments) {
    this.server = server;
    this.data = data;
    this.port = port;
    this.arguments = arguments;
  }

  static ServerControl start(int port, Map<String, String> settings) {
    Map<String, String> all = durableSettings();
    all.putAll(settings);
    all.put("port", Integer.toString(port));
    all.put("bind-address", "127.0.0.1");
    List<String> options = new ArrayList<>();
    all.forEach((name, value) -> options.add("--" + name + "=" + value));
    Optional<Path> server = find("mariadbd");
    Optional<Path> installer = find("mariadb-install-db");
    return server.isPresent() && installer.isPresent()
        ? startLocal(server.get(), installer.get(), port, options)
        : startContainer(port, options);
  }

  private static ServerControl startLocal(
      Path server, Path installer, int port, List<String> options) {
    Path folder = DataFolder.create("mariadb");
    MariaDbLauncher recipe =
        new MariaDbLauncher(server, folder.resolve("data"), port, List.copyOf(options));
    Shell.run(
        recipe.command(installer, List.of("--auth-root-authentication-method=normal")),
        folder.resolve("install.log"));
    return LocalServer.start(recipe, folder);
  }

  private static ServerControl startContainer(int port, List<String> options) {
    Container.requireEngine("MariaDB", "the package mariadb-server");
    List<String> arguments =
        new ArrayList<>(List.of("-e", "MARIADB_ALLOW_EMPTY_ROOT_PASSWORD=1", IMAGE));
    arguments.addAll(options);
    return Container.start("mariadb", arguments, () -> greets(port));
  }

  @Override
  public String name() {
    return "mariadb";
  }

  @Override
  public ChildProcess launch(Path log) {
    List<String> all = new ArrayList<>(arguments);
    Path folder = data.getParent();
    all.add("--socket=" + folder.resolve("socket"));
    all.add("--pid-file=" + folder.resolve("pid"));
    return ChildProcess.start(command(server, all), Map.of(), log, Duration.ZERO);
  }

  @Override
  public boolean isReady() {
    return greets(port);
  }

  /** A server that is ready sends the first packet; an error packet has another first byte. */
  private static boolean greets(int port) {
    try (Socket socket = new Socket()) {
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), ANSWER_MILLIS);
      socket.setSoTimeout(ANSWER_MILLIS);
      byte[] start = socket.getInputStream().readNBytes(HEADER_BYTES + 1);
      return start.length > HEADER_BYTES && start[HEADER_BYTES] == PROTOCOL_VERSION;
    } catch (IOException notYet) {
      return false;
    }
  }

  private List<String> command(Path program, List<String> options) {
    List<String> command = new ArrayList<>(List.of(program.toString(), "--no-defaults"));
    command.add("--datadir=" + data);
    // A starting server deletes leftovers of dead ones in the folder for temporary tables.
    command.add("--tmpdir=" + data.getParent());
    if (Shell.output(List.of("id", "-u")).equals("0")) {
      command.add("--user=root");
    }
    command.addAll(options);
    return command;
  }

  private static Optional<Path> find(String program) {
    String path = System.getenv().getOrDefault("PATH", "");
    return Stream.of(("/usr/sbin:/usr/bin:" + path).split(":", -1))
        .filter(folder -> !folder.isEmpty())
        .map(folder -> Path.of(folder, program))
        .filter(Files::isExecutable)
        .findFirst();
  }

  private static Map<String, String> durableSettings() {
    Map<String, String> settings = new LinkedHashMap<>();
    settings.put("innodb-flush-log-at-trx-commit", "1");
    settings.put("character-set-server", "utf8mb4");
    settings.put("max-connections", "200");
    return settings;
  }
}
