package io.commslib.benchmarks.chaos.idempotency;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.ChaosSuite;
import io.commslib.benchmarks.chaos.RowResult;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The rows of the fault matrix for request keys and inbox entries. */
public final class IdempotencySuite implements ChaosSuite {

  /** Runs a row. */
  private interface Script {
    Outcome run(RequestDatabase requests, ChaosOptions options) throws Exception;
  }

  /**
   * The outcome of a row.
   *
   * @param counts a summary of what happened
   * @param violations the counters that must be zero
   * @param findings descriptions of some violations
   */
  record Outcome(String counts, Map<String, Long> violations, List<String> findings) {}

  private record Row(String text, Script script) {}

  private static final Map<String, Row> ROWS = rowsInOrder();

  /** Creates the suite. */
  public IdempotencySuite() {}

  private static Map<String, Row> rowsInOrder() {
    Map<String, Row> rows = new LinkedHashMap<>();
    rows.put("29", new Row("64 callers per key, the first holder is killed", KilledHolderRow::run));
    rows.put("30", new Row("the same key with other content", ChangedContentRow::run));
    rows.put("31", new Row("purged while messages are redelivered", PurgeRow::run));
    return rows;
  }

  @Override
  public Map<String, String> rows() {
    Map<String, String> texts = new LinkedHashMap<>();
    ROWS.forEach((number, row) -> texts.put(number, row.text()));
    return texts;
  }

  @Override
  public RowResult run(String number, ChaosOptions options) throws Exception {
    if (!options.saboteur().isEmpty()) {
      throw new IllegalArgumentException(
          "--saboteur: " + options.saboteur() + " (expected: none in this suite)");
    }
    Row row = ROWS.get(number);
    long start = System.nanoTime();
    ChaosDatabase.Kind kind = ChaosDatabase.Kind.of(options.database());
    try (RequestDatabase requests = RequestDatabase.start(kind)) {
      Outcome outcome = row.script().run(requests, options);
      return new RowResult(
          number + ", " + row.text() + ", " + kind.text(),
          outcome.counts(),
          outcome.violations(),
          outcome.findings(),
          (System.nanoTime() - start) / 1e9);
    }
  }
}
