package io.commslib.http.server;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** The JDK's server reads its properties once, so each test has a JVM of its own. */
@Timeout(value = 90, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class AnswerTimeTest {

  private static List<String> run(List<String> options, String... arguments) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(options);
    command.add("-cp");
    command.add(System.getProperty("java.class.path"));
    command.add(AnswerTimeMain.class.getName());
    command.addAll(List.of(arguments));
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    try {
      String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      assertThat(process.waitFor(30, TimeUnit.SECONDS)).isTrue();
      return out.lines().toList();
    } finally {
      process.destroyForcibly();
    }
  }

  /** The bare server of Java 17 takes more than 40 ms for each answer. */
  @Test
  void headAndSmallBodyLeaveTogether() throws Exception {
    List<String> out = run(List.of());
    String millis = out.stream().filter(line -> line.startsWith("millis ")).findFirst().orElse("");
    assertThat(Integer.parseInt(millis.substring(7))).isLessThan(20);
    // Longer than all deadlines, since it ends requests whose handlers run.
    assertThat(out).contains("head 660");
  }

  @Test
  void aTrickledHeadIsCutAndAPropertyOfTheUserStays() throws Exception {
    assertThat(run(List.of("-Dsun.net.httpserver.maxReqTime=1"), "head"))
        .contains("head 1", "end -1");
  }
}
