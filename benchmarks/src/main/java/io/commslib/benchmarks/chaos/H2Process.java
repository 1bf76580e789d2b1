package io.commslib.benchmarks.chaos;

import io.commslib.testkit.Await;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/** H2 as a server in a separate process, on a file, with each commit written through. */
final class H2Process implements ChaosDatabase {

  private final Path folder;
  private final int port;
  private ChildJvm server;

  private H2Process(Path folder, int port) {
    this.folder = folder;
    this.port = port;
    this.server = launch();
  }

  static H2Process start() throws IOException {
    int port;
    try (ServerSocket probe = new ServerSocket(0)) {
      port = probe.getLocalPort();
    }
    H2Process made = new H2Process(Files.createTempDirectory("commslib-chaos-h2"), port);
    made.awaitReady();
    return made;
  }

  private ChildJvm launch() {
    return ChildJvm.start(
        List.of("-Xmx256m"),
        "org.h2.tools.Server",
        List.of(
            "-tcp",
            "-tcpPort",
            Integer.toString(port),
            "-ifNotExists",
            "-baseDir",
            folder.toString()),
        folder.resolve("server.log"));
  }

  private void awaitReady() {
    Await.until("H2 serves", Duration.ofSeconds(60), this::isServing);
  }

  private boolean isServing() {
    try (Connection connection = DriverManager.getConnection(url(), user(), user())) {
      return connection.isValid(2);
    } catch (SQLException e) {
      return false;
    }
  }

  @Override
  public Kind kind() {
    return Kind.H2;
  }

  @Override
  public String url() {
    return "jdbc:h2:tcp://127.0.0.1:"
        + port
        + "/./chaos;WRITE_DELAY=0;DB_CLOSE_DELAY=-1;LOCK_TIMEOUT=10000";
  }

  @Override
  public String user() {
    return "sa";
  }

  @Override
  public Set<Long> pids() {
    return Set.of(server.pid());
  }

  @Override
  public boolean isRunning() {
    return pids().stream().anyMatch(pid -> ProcessHandle.of(pid).isPresent());
  }

  @Override
  public void kill() {
    server.kill();
  }

  @Override
  public void restart() {
    kill();
    server = launch();
    awaitReady();
  }

  @Override
  public void close() {
    kill();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
