package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.ChaosOptions;
import io.commslib.benchmarks.chaos.ChaosSuite;
import io.commslib.benchmarks.chaos.RowResult;
import java.util.LinkedHashMap;
import java.util.Map;

/** The rows on RabbitMQ. */
public final class RabbitSuite implements ChaosSuite {

  private interface Script {
    RowResult run(Broker.Kind kind, String name, ChaosOptions options) throws Exception;
  }

  private record Row(String text, Script script) {}

  private static final Map<String, Row> ROWS = scripts();

  /** Creates the suite. */
  public RabbitSuite() {}

  private static Map<String, Row> scripts() {
    Map<String, Row> rows = new LinkedHashMap<>();
    rows.put(
        "50", new Row("errors in members' code, members and broker killed", BrokerErrorsRow::run));
    rows.put(
        "51", new Row("members and writers with conflicting settings", ConfigMismatchRow::run));
    rows.put("52", new Row("large bodies and dead letters in small heaps", DeadLettersRow::run));
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
    BrokerSaboteur.of(options);
    Row row = ROWS.get(number);
    return row.script().run(Broker.Kind.RABBIT, number + ", " + row.text(), options);
  }
}
