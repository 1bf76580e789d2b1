package io.commslib.benchmarks.chaos.idempotency;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.RowResult;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class IdempotencyChaosIT {

  @ParameterizedTest
  @CsvSource({
    "29, postgresql",
    "30, postgresql",
    "31, postgresql",
    "29, mariadb",
    "30, mariadb",
    "31, mariadb"
  })
  void countsNoViolationInAnyRow(String row, String database) throws Exception {
    ChaosOptions options = new ChaosOptions(7, List.of(), database, ChaosOptions.Size.QUICK, "");
    RowResult result = new IdempotencySuite().run(row, options);
    assertThat(result.findings()).isEmpty();
    assertThat(result.violations())
        .isNotEmpty()
        .allSatisfy((name, count) -> assertThat(count).isZero());
  }
}
