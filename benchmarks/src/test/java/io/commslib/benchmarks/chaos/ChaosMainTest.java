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
  void listPrintsEveryRow() throws Exception {
    assertThat(run("--list")).isZero();
    assertThat(out.toString(StandardCharsets.UTF_8))
        .contains("row 20:", "row 24:", "row 40:")
        .containsSubsequence("kafka", "row 50b:", "row 51:", "row 52:")
        .containsSubsequence("outbox", "row 50:", "row 51:", "row 52:")
        .containsSubsequence("rabbit", "row 50:", "row 51:", "row 52:");
  }

  @Test
  void unknownArgumentsExitWithTwo() throws Exception {
    assertThat(run()).isEqualTo(2);
    assertThat(run("pigeons")).isEqualTo(2);
    assertThat(run("kafka", "--rows", "99")).isEqualTo(2);
    assertThat(run("kafka", "--seed", "x")).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8)).hasLineCount(4);
  }

  @Test
  void anUnsupportedOptionOfARowExitsWithTwo() throws Exception {
    assertThat(run("rabbit", "--rows", "50", "--saboteur", "SLOTH")).isEqualTo(2);
    assertThat(run("kafka", "--rows", "50", "--database", "mariadb")).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8))
        .contains("--saboteur: SLOTH (expected: [NONE, ", "--database: row 50 has none");
  }
}
