package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.testkit.servers.MariaDbServer;
import io.commslib.testkit.servers.PostgresServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIfSystemProperty;

/**
 * A relay with the default settings publishes a backlog of large messages many times the size of
 * its heap. The sizes that the documentation states run with {@code -Dcommslib.heap=full}.
 */
class RelayHeapIT {

  private static final int MIB = 1 << 20;

  private static void run(
      String heap, String url, String user, String password, int count, int bytes)
      throws Exception {
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + heap,
                "-cp",
                System.getProperty("java.class.path"),
                RelayHeapMain.class.getName(),
                url,
                user,
                password,
                Integer.toString(count),
                Integer.toString(bytes))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    System.out.println(count + " x " + bytes + " in " + heap + ": " + output.strip());
    assertThat(output).contains("published=" + count + " wrong=0 left=0").contains("health=UP");
  }

  @Test
  void publishesMoreThanItsHeapOnPostgres() throws Exception {
    PostgresServer server = PostgresServer.shared();
    run("64m", server.jdbcUrl(), server.user(), server.password(), 70, MIB);
  }

  @Test
  void publishesMoreThanItsHeapOnMariaDb() throws Exception {
    MariaDbServer server = MariaDbServer.shared();
    run("64m", server.jdbcUrl(), server.user(), server.password(), 70, MIB);
  }

  @Test
  @EnabledIfSystemProperty(named = "commslib.heap", matches = "full")
  void publishesTheFullSizesOnPostgres() throws Exception {
    PostgresServer server = PostgresServer.shared();
    for (List<Integer> size : sizes()) {
      run("256m", server.jdbcUrl(), server.user(), server.password(), size.get(0), size.get(1));
    }
  }

  @Test
  @EnabledIfSystemProperty(named = "commslib.heap", matches = "full")
  void publishesTheFullSizesOnMariaDb() throws Exception {
    try (MariaDbServer server = MariaDbServer.start(Map.of("max_allowed_packet", "64M"))) {
      for (List<Integer> size : sizes()) {
        run("256m", server.jdbcUrl(), server.user(), server.password(), size.get(0), size.get(1));
      }
    }
  }

  private static List<List<Integer>> sizes() {
    return List.of(List.of(600, MIB), List.of(100, 10 * MIB));
  }
}
