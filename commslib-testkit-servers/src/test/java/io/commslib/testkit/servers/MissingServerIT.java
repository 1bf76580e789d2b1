package io.commslib.testkit.servers;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class MissingServerIT {

  @Test
  void saysWhatToInstallWhereThereIsNeitherAServerNorAContainerEngine(@TempDir Path path)
      throws IOException {
    for (String program : List.of("sh", "setsid", "rm", "sleep")) {
      Files.createSymbolicLink(path.resolve(program), Path.of("/usr/bin", program));
    }
    Map<String, String> environment =
        Map.of("PATH", path.toString(), "RABBITMQ_HOME", path.toString());
    try (ServersProcess jvm = new ServersProcess(environment, "missing-rabbit")) {
      assertThat(jvm.line())
          .isEqualTo(
              "COMMS-SERVERS-001: RabbitMQ was not found and no container engine answers;"
                  + " install the package rabbitmq-server");
    }
  }

  @Test
  void saysTheSameOfASharedServerEachTime(@TempDir Path path) throws IOException {
    for (String program : List.of("sh", "setsid", "rm", "sleep")) {
      Files.createSymbolicLink(path.resolve(program), Path.of("/usr/bin", program));
    }
    Map<String, String> environment =
        Map.of("PATH", path.toString(), "RABBITMQ_HOME", path.toString());
    try (ServersProcess jvm = new ServersProcess(environment, "missing-rabbit-shared")) {
      String first = jvm.line();
      assertThat(first).startsWith("COMMS-SERVERS-001: RabbitMQ was not found");
      assertThat(jvm.line()).isEqualTo(first);
    }
  }

  @Test
  void saysThatXzIsMissingToUnpackPostgres(@TempDir Path path) throws IOException {
    for (String program : List.of("sh", "setsid", "rm", "sleep", "tar", "chmod")) {
      Files.createSymbolicLink(path.resolve(program), Path.of("/usr/bin", program));
    }
    try (ServersProcess jvm = new ServersProcess(Map.of("PATH", path.toString()), "missing-xz")) {
      assertThat(jvm.line())
          .startsWith("COMMS-SERVERS-001: xz: not found (expected: the program xz");
    }
  }
}
