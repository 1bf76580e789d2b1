package io.commslib.benchmarks.chaos.outbox;

import io.commslib.benchmarks.chaos.ChaosDatabase;
import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.ChaosSuite;
import io.commslib.benchmarks.chaos.RowResult;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The rows of the fault matrix on the outbox and the inbox. */
public final class OutboxSuite implements ChaosSuite {

  private interface Script {
    OutboxRowResult run(RowEnvironment environment) throws Exception;
  }

  private record Row(String text, Script script) {}

  private static final Map<String, Row> ROWS = scripts();

  /** Creates the suite. */
  public OutboxSuite() {}

  private static Map<String, Row> scripts() {
    Map<String, Row> rows = new LinkedHashMap<>();
    rows.put("1", new Row("application dies at each of the named points", CrashRow::run));
    rows.put("2", new Row("relay killed after the confirmation", RelayKillRow::run));
    rows.put("3", new Row("relay suspended past its lease", PausedRelayRow::run));
    rows.put("4", new Row("two relays, clocks 20 minutes apart", ClockSkewRow::run));
    rows.put("5", new Row("writers that keep transactions open", OpenTransactionsRow::run));
    rows.put("6", new Row("database killed and restarted", DatabaseKillRow::run));
    rows.put("7", new Row("connection cut during the commit", CommitCutRow::run));
    rows.put("8", new Row("a pool of two for sixteen threads", SmallPoolRow::run));
    rows.put("9", new Row("deadlocks and serialization failures", ContentionRow::run));
    rows.put("10", new Row("disk full under the outbox", DiskFullRow::run));
    rows.put("11", new Row("a backlog, then a relay in a small heap", BacklogRow::run));
    rows.put("26", new Row("the table of parked messages refuses inserts", UnparkableRow::run));
    rows.put("27", new Row("killed while parked messages are redriven", RedriveKillRow::run));
    rows.put(
        "28", new Row("each message ten times, copies out of order", OutboxDuplicatesRow::run));
    rows.put(
        "50",
        new Row(
            "missing classes, stack overflows and lack of memory in application code",
            OutboxErrorsRow::run));
    rows.put("51", new Row("writers with another number of shards", ShardCountRow::run));
    rows.put("52", new Row("messages of 1 MiB, a relay in a small heap", LargeMessagesRow::run));
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
    Row row = ROWS.get(number);
    ChaosDatabase.Kind kind = ChaosDatabase.Kind.of(options.database());
    OutboxSaboteur saboteur = saboteur(number, options.saboteur());
    long start = System.nanoTime();
    OutboxRowResult result =
        row.script().run(new RowEnvironment(kind, options.seed(), options.size(), saboteur));
    Map<String, Long> violations = new LinkedHashMap<>(result.verdict().violations());
    violations.put("unmet", (long) result.unmetExpectations().size());
    List<String> findings = new ArrayList<>(result.unmetExpectations());
    findings.addAll(result.verdict().findings());
    return new RowResult(
        number + ", " + row.text() + ", " + kind.text(),
        new TreeMap<>(result.figures())
            + ", "
            + result.verdict().committed()
            + " committed, "
            + result.verdict().received()
            + " received by the broker",
        violations,
        findings,
        (System.nanoTime() - start) / 1e9);
  }

  private static OutboxSaboteur saboteur(String row, String name) {
    if (name.isEmpty()) {
      return OutboxSaboteur.NONE;
    }
    return OutboxSaboteur.ROWS.entrySet().stream()
        .filter(entry -> entry.getKey().name().equals(name) && entry.getValue().equals(row))
        .map(Map.Entry::getKey)
        .findFirst()
        .orElseThrow(
            () ->
                new IllegalArgumentException(
                    "--saboteur: "
                        + name
                        + " in row "
                        + row
                        + " (expected: one with its row of "
                        + new TreeMap<>(OutboxSaboteur.ROWS)
                        + ")"));
  }
}
