package io.commslib.benchmarks.simulation;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SimulateMainTest {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @Test
  void helpPrintsTheUsageAndRunsNothing() throws Exception {
    assertThat(simulate("--help")).isZero();
    assertThat(out.toString(StandardCharsets.UTF_8))
        .startsWith("usage: benchmarks/simulate")
        .doesNotContain("workload");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--schedules|--schedules: no value (expected: one after the option)",
        "--schedules many|--schedules: many (expected: a whole number)",
        "--schedules 0|schedules: 0 (expected: 1..100000000)",
        "--model pigeon|--model: pigeon (expected: kafka or rabbit)",
        "--fast yes|unknown option --fast",
      })
  void theErrorNamesTheWrongArgument(String arguments, String message) throws Exception {
    assertThat(simulate(arguments.split(" "))).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8))
        .startsWith(message)
        .contains("usage: benchmarks/simulate");
  }

  private int simulate(String... arguments) throws Exception {
    return SimulateMain.run(
        new PrintStream(out, true), new PrintStream(err, true), List.of(arguments));
  }
}
