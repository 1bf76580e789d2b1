package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.ChaosSuite;
import io.commslib.benchmarks.chaos.RowResult;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;

/** The rows on Kafka. */
public final class KafkaSuite implements ChaosSuite {

  private interface Script {
    RowResult run(String name, ChaosOptions options) throws Exception;
  }

  private record Row(String text, Script script) {}

  /** Rows whose members are processes over a selectable database. */
  private static final Set<String> ON_DATABASES =
      Set.of("21", "21b", "23", "40", "41", "50b", "51", "52", "crash");

  private static final Map<String, Row> ROWS = scripts();

  /** Creates the suite. */
  public KafkaSuite() {}

  private static Map<String, Row> scripts() {
    Map<String, Row> rows = new LinkedHashMap<>();
    rows.put(
        "14", new Row("resets, black holes, trickles, half closed connections", NetworkRow::run));
    rows.put("20", new Row("three brokers, one killed in turn", MembershipRows::killBrokers));
    rows.put(
        "21",
        new Row(
            "processes join, leave and are killed, cooperative", MembershipRows::joinLeaveAndKill));
    rows.put(
        "21b",
        new Row(
            "processes join, leave and are killed, KIP-848",
            MembershipRows::joinLeaveAndKillKip848));
    rows.put("22", new Row("handlers longer than the poll interval", MembershipRows::slowHandlers));
    rows.put(
        "23", new Row("processes stopped past their session", MembershipRows::suspendAndResume));
    rows.put("24", new Row("pairs of unreadable records among good ones", FailureRows::poison));
    rows.put("25", new Row("every handler fails for a while", FailureRows::outage));
    rows.put("26", new Row("dead letters are refused for a while", FailureRows::deadLettersDown));
    rows.put("27", new Row("redriving processes killed halfway", RedriveRow::run));
    rows.put("28", new Row("every message ten times", BrokerDuplicatesRow::run));
    rows.put(
        "40",
        new Row("every process ended by SIGTERM and replaced", MembershipRows::rollingRestart));
    rows.put("41", new Row("bodies of 1 MiB in a heap of 128 MiB", MemoryRow::run));
    rows.put(
        "50",
        new Row(
            "missing classes, stack overflows and lack of memory in handlers",
            FailureRows::errors));
    rows.put(
        "50b",
        new Row(
            "errors in members' code, members and broker killed",
            (name, options) -> BrokerErrorsRow.run(Broker.Kind.KAFKA, name, options)));
    rows.put(
        "51",
        new Row(
            "members and writers with conflicting settings",
            (name, options) -> ConfigMismatchRow.run(Broker.Kind.KAFKA, name, options)));
    rows.put(
        "52",
        new Row(
            "large bodies and dead letters in small heaps",
            (name, options) -> DeadLettersRow.run(Broker.Kind.KAFKA, name, options)));
    rows.put(
        "crash", new Row("messages that kill their process", MembershipRows::messagesThatKill));
    return rows;
  }

  @Override
  public Map<String, String> rows() {
    Map<String, String> rows = new LinkedHashMap<>();
    ROWS.forEach((number, row) -> rows.put(number, row.text()));
    return rows;
  }

  @Override
  public RowResult run(String number, ChaosOptions options) throws Exception {
    if (!options.database().isEmpty() && !ON_DATABASES.contains(number)) {
      throw new IllegalArgumentException(
          "--database: row "
              + number
              + " has none (expected: one of "
              + new TreeSet<>(ON_DATABASES)
              + ")");
    }
    BrokerSaboteur.of(options);
    Row row = ROWS.get(number);
    return row.script().run(number + ", " + row.text(), options);
  }
}
