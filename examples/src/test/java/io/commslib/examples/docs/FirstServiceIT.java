package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.testkit.servers.KafkaServer;
import io.commslib.testkit.servers.PostgresServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The first service of the README and the tour, as a reader would copy it from there. */
class FirstServiceIT {

  private static final Path ROOT = LibrarySchemas.ROOT;
  private static final Path PROJECT = ROOT.resolve("examples/first-service");
  private static final Path SOURCE = PROJECT.resolve("src/main/java/example/OrdersService.java");

  @TempDir Path folder;

  @Test
  void readmeAndTourShowExactlyThisCodeInFortyLines() throws IOException {
    String code = Files.readString(SOURCE);
    assertThat(blocks("README.md", "java")).contains(code);
    assertThat(blocks("docs/tour.md", "java")).contains(code);
    assertThat(blocks("docs/tour.md", "xml"))
        .contains(Files.readString(PROJECT.resolve("pom.xml")));
    assertThat(blocks("docs/tour.md", "sql"))
        .contains(Files.readString(PROJECT.resolve("tables.sql")));
    List<String> lines =
        code.lines()
            .filter(line -> !line.startsWith("import ") && !line.startsWith("package "))
            .toList();
    assertThat(String.join("\n", lines).strip().lines()).hasSizeLessThanOrEqualTo(40);
    assertThat(lines).allMatch(line -> line.length() <= 100);
    assertThat(lines)
        .filteredOn(line -> !line.contains("for ("))
        .allMatch(line -> line.indexOf(';') == line.lastIndexOf(';'), "one statement a line");
  }

  private static List<String> blocks(String page, String language) throws IOException {
    Matcher block =
        Pattern.compile("```" + language + "\\n(.*?)```", Pattern.DOTALL)
            .matcher(Files.readString(ROOT.resolve(page)));
    return block.results().map(found -> found.group(1)).toList();
  }

  @Test
  @Timeout(120)
  void publishesInATransactionHandlesWithTheInboxAndShutsDown() throws Exception {
    KafkaServer kafka = KafkaServer.shared();
    String url = PostgresServer.shared().createDatabase("first_service") + "?user=postgres";
    String code = blocks("docs/tour.md", "java").get(0);
    Path source = Files.writeString(folder.resolve("OrdersService.java"), code);
    String classPath =
        System.getProperty("surefire.test.class.path", System.getProperty("java.class.path"));
    int compiled =
        ToolProvider.getSystemJavaCompiler()
            .run(null, null, null, "-d", folder.toString(), "-cp", classPath, source.toString());
    assertThat(compiled).isZero();
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      statement.execute(blocks("docs/tour.md", "sql").get(0));
      Process process = launch(classPath, url, kafka.bootstrapServers());
      try {
        while (number(statement, "SELECT pieces FROM stock") == 100) {
          assertThat(process.isAlive()).as(log()).isTrue();
        }
        process.destroy();
        assertThat(process.waitFor(40, TimeUnit.SECONDS)).isTrue();
      } finally {
        process.destroyForcibly();
      }
      assertThat(process.exitValue()).as(log()).isEqualTo(128 + 15);
      assertThat(number(statement, "SELECT pieces FROM stock")).isEqualTo(97);
      assertThat(number(statement, "SELECT count(*) FROM orders")).isEqualTo(1);
      assertThat(number(statement, "SELECT count(*) FROM inbox")).isEqualTo(1);
      assertThat(number(statement, "SELECT count(*) FROM outbox_message")).isZero();
      assertThat(log()).doesNotContain("not drained").doesNotContain("ERROR");
    }
  }

  private Process launch(String classPath, String url, String bootstrapServers) throws IOException {
    return new ProcessBuilder(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "-XX:TieredStopAtLevel=1",
            "-cp",
            folder + ":" + classPath,
            "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
            "example.OrdersService",
            url,
            bootstrapServers,
            "order-1")
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("service.log").toFile())
        .start();
  }

  private String log() throws IOException {
    Path log = folder.resolve("service.log");
    return Files.exists(log) ? Files.readString(log) : "";
  }

  private static long number(Statement statement, String sql) throws SQLException {
    try (ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    }
  }
}
