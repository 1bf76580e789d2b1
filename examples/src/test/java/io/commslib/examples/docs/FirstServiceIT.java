package io.commslib.examples.docs;

import static io.commslib.examples.docs.DocPages.blocks;
import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.testkit.servers.KafkaServer;
import io.commslib.testkit.servers.PostgresServer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** The first service of the README and the tour, as a reader would copy it from there. */
class FirstServiceIT {

  private static final Path PROJECT = LibrarySchemas.ROOT.resolve("examples/first-service");
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
    new ServiceRun(folder, url)
        .handlesOneOrderOnceAndEnds(
            blocks("docs/tour.md", "sql").get(0),
            List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-XX:TieredStopAtLevel=1",
                "-cp",
                folder + ":" + classPath,
                "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
                "example.OrdersService",
                url,
                kafka.bootstrapServers(),
                "order-1"));
  }
}
