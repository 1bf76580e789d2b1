package io.commslib.benchmarks.compare;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class CompareMainTest {

  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(String... arguments) throws Exception {
    return CompareMain.run(
        System.out, new PrintStream(err, true, StandardCharsets.UTF_8), arguments);
  }

  private String errors() {
    return err.toString(StandardCharsets.UTF_8);
  }

  @Test
  void anUnknownScenarioIsRefusedWithTheListOfScenarios() throws Exception {
    assertThat(run("classes", "nothing")).isEqualTo(2);
    assertThat(errors())
        .contains("scenarios: [nothing] (expected: some of [drain, end-to-end, inbox")
        .hasLineCount(1);
    assertThat(run("classes")).isEqualTo(2);
    assertThat(run()).isEqualTo(2);
  }

  @Test
  void aNumberOfPairsOutOfRangeIsRefused() throws Exception {
    for (String pairs : new String[] {"0", "101", "-1", "many"}) {
      assertThat(run("classes", "drain", "--pairs", pairs)).isEqualTo(2);
      assertThat(errors()).contains("--pairs: " + pairs + " (expected: 1..100)");
    }
    assertThat(run("classes", "drain", "--pairs")).isEqualTo(2);
  }
}
