package io.commslib.benchmarks.chaos;

import java.util.LinkedHashMap;
import java.util.Map;

/** The rows on Kafka. */
final class KafkaSuite implements ChaosSuite {

  @Override
  public Map<String, String> rows() {
    Map<String, String> rows = new LinkedHashMap<>();
    KafkaChaos.ROWS.forEach((row, fault) -> rows.put(row, fault.text()));
    return rows;
  }

  @Override
  public RowResult run(String row, ChaosOptions options) throws Exception {
    if (!options.database().isEmpty() || options.size() != ChaosOptions.Size.USUAL) {
      throw new IllegalArgumentException(
          "--database, --quick, --full: not known to kafka (expected: --rows, --seed)");
    }
    return KafkaChaos.run(row, options.seed());
  }
}
