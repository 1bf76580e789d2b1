package io.commslib.examples.docs;

import static io.commslib.examples.docs.DocPages.blocks;
import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.testkit.servers.KafkaServer;
import io.commslib.testkit.servers.PostgresServer;
import io.commslib.testkit.servers.RabbitServer;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.jar.JarFile;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Projects outside of this build, like those of users: their Maven resolves the artifacts that
 * {@code mvn install} has put into the local repository. Not part of the normal run: {@code
 * compatibility/run}.
 */
@Timeout(300)
class OutsideProjectsIT {

  private static final Path COMPATIBILITY = LibrarySchemas.ROOT.resolve("compatibility");
  private static final String TOUR = "docs/tour.md";
  private static final String JAR = "target/orders-service-1.jar";

  @TempDir Path folder;

  @Test
  void theFirstServiceRunsAsTheTourTells() throws Exception {
    Files.writeString(folder.resolve("pom.xml"), blocks(TOUR, "xml").get(0));
    Path source = folder.resolve("src/main/java/example/OrdersService.java");
    Files.createDirectories(source.getParent());
    Files.writeString(source, blocks(TOUR, "java").get(0));
    String commands = blocks(TOUR, "sh").get(0);
    String build = commands.lines().filter(line -> line.startsWith("mvn ")).findFirst().orElse("");
    shell(build.replaceFirst("^mvn ", "mvn -B -q "));
    String url = database("outside_first_service");
    String start =
        commands
            .substring(commands.indexOf("\njava ") + 1)
            .replace("jdbc:postgresql://localhost/shop?user=me&password=secret", url)
            .replace("localhost:9092", KafkaServer.shared().bootstrapServers());
    assertThat(start).contains(url).contains(KafkaServer.shared().bootstrapServers());
    new ServiceRun(folder, url)
        .handlesOneOrderOnceAndEnds(tables(), List.of("bash", "-c", "exec " + start));
  }

  @ParameterizedTest
  @ValueSource(strings = {"3.5", "4.1"})
  void theServiceRunsWithTheVersionsThatSpringBootManages(String boot) throws Exception {
    buildBoot(boot);
    List<String> row = row(parentVersion());
    assertThat(row.get(1)).isEqualTo(packaged("spring-core"));
    assertThat(row.get(2)).startsWith(packaged("jackson-databind"));
    assertThat(row.get(2)).endsWith(" / " + packaged("jackson-annotations"));
    assertThat(row.get(3)).isEqualTo(packaged("kafka-clients"));
    assertThat(row.get(4)).isEqualTo(packaged("amqp-client"));
    assertThat(row.get(5)).isEqualTo(packaged("postgresql"));
    assertThat(row.get(6)).isEqualTo(packaged("HikariCP"));
    String onKafka = database("boot_kafka_" + boot.replace('.', '_'));
    new ServiceRun(folder, onKafka)
        .handlesOneOrderOnceAndEnds(
            tables(), boot(onKafka, KafkaServer.shared().bootstrapServers()));
    String onRabbit = database("boot_rabbit_" + boot.replace('.', '_'));
    new ServiceRun(folder, onRabbit)
        .handlesOneOrderOnceAndEnds(
            tables(),
            boot(onRabbit, RabbitServer.shared().uri(), "--spring.profiles.active=rabbit"));
  }

  @Test
  void whatAnOlderSpringBootManagesIsRefusedWithItsVersion() throws Exception {
    buildBoot("3.5", "-Dkafka.version=3.9.1", "-Djackson-bom.version=2.19.4");
    String url = database("boot_refused");
    ServiceRun run = new ServiceRun(folder, url);
    assertThat(run.refusesToStart(boot(url, KafkaServer.shared().bootstrapServers())))
        .contains("COMMS-KAFKA-011: kafka-clients: 3.9.1 (expected: 3.9.2, ");
    assertThat(
            run.refusesToStart(
                boot(url, RabbitServer.shared().uri(), "--spring.profiles.active=rabbit")))
        .contains("COMMS-JACKSON-005: jackson-annotations: 2.19.4 with jackson-databind 3.");
  }

  /** Returns the row of the table in the docs for a version of Spring Boot. */
  private static List<String> row(String version) throws IOException {
    String page = Files.readString(LibrarySchemas.ROOT.resolve("docs/spring-boot.md"));
    String line =
        page.lines().filter(row -> row.startsWith("| " + version + " |")).findFirst().orElse("");
    assertThat(line).as("row of Spring Boot " + version).isNotEmpty();
    return Arrays.stream(line.substring(2).split("\\|")).map(String::strip).toList();
  }

  private String parentVersion() throws IOException {
    Matcher parent =
        Pattern.compile("<parent>.*?<version>(.*?)</version>", Pattern.DOTALL)
            .matcher(Files.readString(folder.resolve("pom.xml")));
    assertThat(parent.find()).isTrue();
    return parent.group(1);
  }

  /** Returns the version of a library in the built jar. */
  private String packaged(String library) throws IOException {
    Pattern form = Pattern.compile("BOOT-INF/lib/" + library + "-(\\d.*)\\.jar");
    try (JarFile jar = new JarFile(folder.resolve(JAR).toFile())) {
      return jar.stream()
          .map(entry -> form.matcher(entry.getName()))
          .filter(Matcher::matches)
          .map(match -> match.group(1))
          .findFirst()
          .orElse(library + " is missing");
    }
  }

  private void buildBoot(String boot, String... options) throws Exception {
    Files.copy(COMPATIBILITY.resolve("boot-" + boot).resolve("pom.xml"), folder.resolve("pom.xml"));
    copy(COMPATIBILITY.resolve("spring-boot/src"), folder.resolve("src"));
    shell("mvn -B -q package " + String.join(" ", options));
  }

  private static List<String> boot(String url, String broker, String... more) {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    command.addAll(List.of("-jar", JAR, "--spring.datasource.url=" + url));
    command.addAll(List.of("--orders.broker=" + broker, "--orders.first=order-1"));
    command.addAll(List.of(more));
    return command;
  }

  private static String database(String name) {
    return PostgresServer.shared().createDatabase(name) + "?user=postgres";
  }

  private static String tables() throws IOException {
    return blocks(TOUR, "sql").get(0);
  }

  private static void copy(Path from, Path to) throws IOException {
    try (Stream<Path> files = Files.walk(from)) {
      for (Path file : files.toList()) {
        Path copy = to.resolve(from.relativize(file).toString());
        if (Files.isDirectory(file)) {
          Files.createDirectories(copy);
        } else {
          Files.copy(file, copy);
        }
      }
    }
  }

  /** Runs a command of the documentation in the project's folder, on the JDK of this test. */
  private void shell(String command) throws Exception {
    File log = folder.resolve("build.log").toFile();
    ProcessBuilder builder =
        new ProcessBuilder("bash", "-c", command)
            .directory(folder.toFile())
            .redirectErrorStream(true)
            .redirectOutput(log);
    builder.environment().put("JAVA_HOME", System.getProperty("java.home"));
    Process process = builder.start();
    try {
      assertThat(process.waitFor(280, TimeUnit.SECONDS)).as(command).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).as(Files.readString(log.toPath())).isZero();
  }
}
