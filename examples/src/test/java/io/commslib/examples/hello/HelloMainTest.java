package io.commslib.examples.hello;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class HelloMainTest {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  @Test
  void helpPrintsTheUsageAndRunsNothing() {
    assertThat(explain("--help")).isZero();
    assertThat(out.toString(StandardCharsets.UTF_8)).startsWith("usage: examples/run hello");
    assertThat(err.size()).isZero();
  }

  @Test
  void theErrorNamesAnUnknownArgument() {
    assertThat(explain("--loud")).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8))
        .startsWith("unknown argument: --loud (expected: none, or --help)")
        .contains("usage: examples/run hello");
  }

  private int explain(String argument) {
    return HelloMain.explain(new PrintStream(out, true), new PrintStream(err, true), argument);
  }
}
