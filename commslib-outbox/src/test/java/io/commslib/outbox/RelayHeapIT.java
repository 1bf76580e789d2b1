package io.commslib.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.testkit.servers.MariaDbServer;
import io.commslib.testkit.servers.PostgresServer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/**
 * A relay with the default settings publishes a backlog of large messages many times the size of
 * its heap. The sizes that the documentation states run with {@code -Dcommslib.heap=full}.
 */
class RelayHeapIT {

  private static final int MIB = 1 << 20;

  private static final boolean FULL = "full".equals(System.getProperty("commslib.heap"));

  private record Size(String heap, int count, int bytes) {}

  private static void run(String url, String user, String password, Size size) throws Exception {
    int count = size.count();
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx" + size.heap(),
                "-cp",
                System.getProperty("java.class.path"),
                RelayHeapMain.class.getName(),
                url,
                user,
                password,
                Integer.toString(count),
                Integer.toString(size.bytes()))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertThat(process.waitFor()).as(output).isZero();
    System.out.println(count + " x " + size.bytes() + " in " + size.heap() + ": " + output.strip());
    assertThat(output).contains("published=" + count + " wrong=0 left=0").contains("health=UP");
  }

  @Test
  void publishesMoreThanItsHeapOnPostgres() throws Exception {
    PostgresServer server = PostgresServer.shared();
    for (Size size : sizes()) {
      run(server.jdbcUrl(), server.user(), server.password(), size);
    }
  }

  @Test
  void publishesMoreThanItsHeapOnMariaDb() throws Exception {
    if (!FULL) {
      MariaDbServer server = MariaDbServer.shared();
      run(server.jdbcUrl(), server.user(), server.password(), sizes().get(0));
      return;
    }
    try (MariaDbServer server = MariaDbServer.start(Map.of("max_allowed_packet", "64M"))) {
      for (Size size : sizes()) {
        run(server.jdbcUrl(), server.user(), server.password(), size);
      }
    }
  }

  private static List<Size> sizes() {
    return FULL
        ? List.of(new Size("256m", 600, MIB), new Size("256m", 100, 10 * MIB))
        : List.of(new Size("64m", 70, MIB));
  }
}
