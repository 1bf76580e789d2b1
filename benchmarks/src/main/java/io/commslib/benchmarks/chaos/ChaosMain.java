package io.commslib.benchmarks.chaos;

import io.commslib.benchmarks.chaos.broker.KafkaSuite;
import io.commslib.benchmarks.chaos.broker.RabbitSuite;
import io.commslib.benchmarks.chaos.idempotency.IdempotencySuite;
import io.commslib.benchmarks.chaos.outbox.OutboxSuite;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * {@code benchmarks/chaos SUITE [--rows 1,2] [--seed N] [--database NAME] [--quick|--full]
 * [--saboteur NAME]}.
 */
public final class ChaosMain {

  private static final Map<String, ChaosSuite> SUITES =
      Map.of(
          "idempotency", new IdempotencySuite(),
          "kafka", new KafkaSuite(),
          "outbox", new OutboxSuite(),
          "rabbit", new RabbitSuite());

  private static final String USAGE =
      "usage: benchmarks/chaos idempotency|kafka|outbox|rabbit [--rows 1,2] [--seed N] [--database NAME] [--quick|--full]"
          + " [--saboteur NAME]";

  private ChaosMain() {}

  /** Exits with 0 if every row passed, 1 if a row failed, and 2 for invalid arguments. */
  public static void main(String[] arguments) throws Exception {
    // Faults make clients log a lot; only the result lines matter.
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "off");
    System.exit(run(System.out, System.err, arguments));
  }

  static int run(PrintStream out, PrintStream err, String... arguments) throws Exception {
    if (arguments.length == 1 && List.of("--list", "--help", "-h").contains(arguments[0])) {
      out.println(USAGE);
      for (String name : List.of("idempotency", "kafka", "outbox", "rabbit")) {
        out.println(name);
        SUITES.get(name).rows().forEach((row, text) -> out.println("  row " + row + ": " + text));
      }
      return 0;
    }
    ChaosSuite suite = arguments.length == 0 ? null : SUITES.get(arguments[0]);
    if (suite == null) {
      err.println(USAGE);
      return 2;
    }
    Optional<ChaosOptions> options =
        ChaosOptions.parse(List.of(arguments).subList(1, arguments.length));
    if (options.isEmpty() || !suite.rows().keySet().containsAll(options.get().rows())) {
      err.println(USAGE + "; rows: " + suite.rows().keySet());
      return 2;
    }
    return judge(out, err, suite, options.get());
  }

  private static int judge(PrintStream out, PrintStream err, ChaosSuite suite, ChaosOptions options)
      throws Exception {
    out.println("seed " + options.seed());
    Map<String, Long> sums = new LinkedHashMap<>();
    for (String row : options.rows().isEmpty() ? suite.rows().keySet() : options.rows()) {
      RowResult result;
      try {
        result = suite.run(row, options);
      } catch (IllegalArgumentException e) {
        err.println(e.getMessage());
        return 2;
      }
      out.println(result.line());
      result.findings().forEach(finding -> out.println("  " + finding));
      result.violations().forEach((name, count) -> sums.merge(name, count, Long::sum));
    }
    StringJoiner json = new StringJoiner(",", "{", "}");
    sums.forEach((name, count) -> json.add('"' + name + "\":" + count));
    out.println(json);
    return sums.values().stream().allMatch(count -> count == 0) ? 0 : 1;
  }
}
