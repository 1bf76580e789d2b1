package io.commslib.examples.docs;

import static org.assertj.core.api.Assertions.assertThat;

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

/** One run of the orders service of the documentation, as a process with a database of its own. */
final class ServiceRun {

  private static final int SIGTERM = 15;

  private final Path folder;
  private final String url;

  /**
   * @param folder the working folder of the process, with its log
   * @param url of a fresh database
   */
  ServiceRun(Path folder, String url) {
    this.folder = folder;
    this.url = url;
  }

  /** Checks that the service handles its one order once, and ends when it gets SIGTERM. */
  void handlesOneOrderOnceAndEnds(String tables, List<String> command) throws Exception {
    try (Connection connection = DriverManager.getConnection(url);
        Statement statement = connection.createStatement()) {
      statement.execute(tables);
      Process process = launch(command);
      try {
        while (number(statement, "SELECT pieces FROM stock") == 100) {
          assertThat(process.isAlive()).as(log()).isTrue();
        }
        process.destroy();
        assertThat(process.waitFor(40, TimeUnit.SECONDS)).as(log()).isTrue();
      } finally {
        process.destroyForcibly();
      }
      assertThat(process.exitValue()).as(log()).isEqualTo(128 + SIGTERM);
      assertThat(number(statement, "SELECT pieces FROM stock")).isEqualTo(97);
      assertThat(number(statement, "SELECT count(*) FROM orders")).isEqualTo(1);
      assertThat(number(statement, "SELECT count(*) FROM inbox")).isEqualTo(1);
      assertThat(number(statement, "SELECT count(*) FROM outbox_message")).isZero();
      assertThat(log())
          .doesNotContain("not drained")
          .doesNotContain("ERROR")
          .doesNotContain("STALLED");
    }
  }

  /** Checks that the service refuses to start, and returns its log. */
  String refusesToStart(List<String> command) throws Exception {
    Process process = launch(command);
    try {
      assertThat(process.waitFor(60, TimeUnit.SECONDS)).as(log()).isTrue();
    } finally {
      process.destroyForcibly();
    }
    assertThat(process.exitValue()).as(log()).isEqualTo(1);
    return log();
  }

  private Process launch(List<String> command) throws IOException {
    return new ProcessBuilder(command)
        .directory(folder.toFile())
        .redirectErrorStream(true)
        .redirectOutput(folder.resolve("service.log").toFile())
        .start();
  }

  private String log() throws IOException {
    return Files.readString(folder.resolve("service.log"));
  }

  private static long number(Statement statement, String sql) throws SQLException {
    try (ResultSet row = statement.executeQuery(sql)) {
      row.next();
      return row.getLong(1);
    }
  }
}
