package io.commslib.benchmarks.chaos;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class ChaosMainTest {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(String... arguments) throws Exception {
    return ChaosMain.run(
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        arguments);
  }

  @Test
  void listNamesEveryRow() throws Exception {
    assertThat(run("--list")).isZero();
    assertThat(out.toString(StandardCharsets.UTF_8)).contains("row 20:", "row 24:", "row 40:");
  }

  @Test
  void whatItDoesNotKnowEndsWithTwo() throws Exception {
    assertThat(run()).isEqualTo(2);
    assertThat(run("pigeons")).isEqualTo(2);
    assertThat(run("kafka", "--rows", "99")).isEqualTo(2);
    assertThat(run("kafka", "--seed", "x")).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8)).hasLineCount(4);
  }
}
