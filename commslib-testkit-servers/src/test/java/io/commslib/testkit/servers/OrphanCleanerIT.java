package io.commslib.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class OrphanCleanerIT {

  @Test
  void nothingOutlivesAJvmThatEndsWithoutClosingItsServers() throws IOException {
    try (ServersProcess jvm = new ServersProcess(Map.of(), "postgres", "rabbit", "kafka")) {
      List<Long> pids = pids(jvm.line());
      Path folder = Path.of(jvm.line());
      assertThat(pids).hasSizeGreaterThan(5);
      jvm.end();
      assertNothingLeft(pids, folder);
    }
  }

  @Test
  void nothingOutlivesAJvmThatIsKilled() throws IOException {
    try (ServersProcess jvm = new ServersProcess(Map.of(), "postgres", "rabbit", "kafka")) {
      List<Long> pids = pids(jvm.line());
      Path folder = Path.of(jvm.line());
      assertThat(pids).hasSizeGreaterThan(5);
      jvm.kill();
      assertNothingLeft(pids, folder);
    }
  }

  private static List<Long> pids(String line) {
    return Arrays.stream(line.split(" ", -1)).map(Long::valueOf).toList();
  }

  private static void assertNothingLeft(List<Long> pids, Path folder) {
    assertThat(Processes.awaitGone(pids)).isTrue();
    assertThat(Polling.until(() -> !Files.exists(folder), Duration.ofSeconds(10))).isTrue();
  }
}
