package io.commslib.kafka;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.testkit.servers.KafkaServer;
import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * The transport with each supported release line of kafka-clients, each in a JVM of its own,
 * against the broker of the build. Not part of the normal run: {@code mvn -Pkafka-client-versions
 * -pl commslib-kafka -am test -Dtest=KafkaClientVersionsIT
 * -Dsurefire.failIfNoSpecifiedTests=false}.
 */
class KafkaClientVersionsIT {

  private static final Path CLIENTS = Path.of("target", "kafka-clients");

  /** The versions of the jars that the profile has copied. */
  static List<String> versions() throws IOException {
    if (!Files.isDirectory(CLIENTS)) {
      throw new IllegalStateException(
          CLIENTS.toAbsolutePath()
              + " does not exist (expected: run with -Pkafka-client-versions)");
    }
    try (Stream<Path> jars = Files.list(CLIENTS)) {
      return jars.map(jar -> jar.getFileName().toString())
          .map(jar -> jar.replace("kafka-clients-", "").replace(".jar", ""))
          .sorted()
          .toList();
    }
  }

  @Test
  void everySupportedReleaseLineIsTested() throws IOException {
    assertThat(versions())
        .contains("3.9.2", "4.0.2", "4.1.2", "4.2.2")
        .contains(ClientVersion.inUse());
  }

  @ParameterizedTest
  @MethodSource("versions")
  void theTransportWorksAndClosesWithThisClient(String version) throws Exception {
    Path log = Files.createTempFile("client-" + version, ".log");
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-Xmx256m",
                "-XX:+UseSerialGC",
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "-cp",
                classPath(version),
                ClientVersionMain.class.getName(),
                KafkaServer.shared().bootstrapServers(),
                version)
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    try {
      assertThat(child.waitFor(240, TimeUnit.SECONDS)).as("ended in time").isTrue();
      assertThat(Files.readString(log, StandardCharsets.UTF_8))
          .contains(ClientVersionMain.PASSED + version);
      assertThat(child.exitValue()).isZero();
    } finally {
      child.destroyForcibly();
      Files.delete(log);
    }
  }

  /** The class path of the test with another client. */
  private static String classPath(String version) {
    String own =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    String jar = CLIENTS.resolve("kafka-clients-" + version + ".jar").toAbsolutePath().toString();
    List<String> parts = Arrays.asList(own.split(File.pathSeparator));
    assertThat(parts).filteredOn(part -> part.contains("kafka-clients-")).hasSize(1);
    return parts.stream()
        .map(part -> part.contains("kafka-clients-") ? jar : part)
        .collect(Collectors.joining(File.pathSeparator));
  }
}
