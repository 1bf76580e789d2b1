package io.commslib.benchmarks.chaos.idempotency;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.RowResult;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class IdempotencyChaosIT {

  @ParameterizedTest
  @ValueSource(strings = {"29", "30", "31"})
  void keepsItsPromiseInEachRow(String row) throws Exception {
    ChaosOptions options = new ChaosOptions(7, List.of(), "", ChaosOptions.Size.QUICK, "");
    RowResult result = new IdempotencyChaos().run(row, options);
    assertThat(result.findings()).isEmpty();
    assertThat(result.broken())
        .isNotEmpty()
        .allSatisfy((name, count) -> assertThat(count).isZero());
  }
}
