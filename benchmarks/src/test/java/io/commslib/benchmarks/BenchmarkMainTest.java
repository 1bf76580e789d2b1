package io.commslib.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class BenchmarkMainTest {

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(String... arguments) throws Exception {
    return BenchmarkMain.run(
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8),
        arguments);
  }

  @Test
  void coreEndsWithOneLineOfJson() throws Exception {
    assertThat(run("core", "--quick")).isZero();
    String last =
        out.toString(StandardCharsets.UTF_8).strip().lines().reduce((a, b) -> b).orElseThrow();
    assertThat(last)
        .matches(
            "\\{\"nanosPerMessage\":[0-9.]+,\"bytesPerMessage\":[0-9.]+,\"growth\":[0-9.]+"
                + ",\"floorRatio\":[0-9.]+,\"engineMicrosPerRecord\":[0-9.]+"
                + ",\"engineBytesPerRecord\":[0-9.]+,\"growthRecords\":[0-9.]+,\"growthKeys\":[0-9.]+"
                + ",\"plainMicrosPerRecord\":[0-9.]+,\"plainBytesPerRecord\":[0-9.]+}")
        .doesNotContain(":0.000");
  }

  @Test
  void grpcEndsWithOneLineOfJson() throws Exception {
    assertThat(run("grpc", "--quick")).isZero();
    String last =
        out.toString(StandardCharsets.UTF_8).strip().lines().reduce((a, b) -> b).orElseThrow();
    assertThat(last)
        .matches(
            "\\{\"unaryVsRaw64\":[0-9.]+,\"unaryProcessorVsRaw64\":[0-9.]+"
                + ",\"unaryVsRaw1\":[0-9.]+,\"unaryProcessorVsRaw1\":[0-9.]+"
                + ",\"streamVsRaw\":[0-9.]+,\"bytesPerCall\":-?[0-9.]+"
                + ",\"unaryVsRawDirect64\":[0-9.]+,\"unaryProcessorVsRawDirect64\":[0-9.]+"
                + ",\"splitError\":[0-9.]+,\"leastLoadedP99\":[0-9.]+}");
  }

  @Test
  void unknownArgumentsExitWithTwo() throws Exception {
    assertThat(run("nothing")).isEqualTo(2);
    assertThat(err.toString(StandardCharsets.UTF_8))
        .contains("unknown benchmark or option: nothing")
        .hasLineCount(1);
    assertThat(run()).isEqualTo(2);
    assertThat(run("--list")).isZero();
  }
}
