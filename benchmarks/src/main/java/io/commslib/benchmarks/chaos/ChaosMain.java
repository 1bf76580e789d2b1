package io.commslib.benchmarks.chaos;

import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.StringJoiner;

/** {@code benchmarks/chaos kafka [--seed N] [--rows 20,24]}. */
public final class ChaosMain {

  private static final String USAGE = "usage: benchmarks/chaos kafka [--seed N] [--rows 20,24]";

  private ChaosMain() {}

  /** Ends with 0 if every row kept its promise, 1 if not, 2 for arguments it does not know. */
  public static void main(String[] arguments) throws Exception {
    // Faults make clients talk; what counts is what is printed at the end.
    System.setProperty("org.slf4j.simpleLogger.defaultLogLevel", "error");
    System.exit(run(System.out, System.err, arguments));
  }

  static int run(PrintStream out, PrintStream err, String... arguments) throws Exception {
    if (arguments.length == 1 && List.of("--list", "--help", "-h").contains(arguments[0])) {
      out.println(USAGE);
      KafkaChaos.ROWS.forEach((row, fault) -> out.println("  row " + row + ": " + fault.text()));
      return 0;
    }
    long seed = System.nanoTime() % 1_000_000;
    List<String> rows = List.copyOf(KafkaChaos.ROWS.keySet());
    boolean known = arguments.length % 2 == 1 && arguments[0].equals("kafka");
    for (int i = 1; known && i < arguments.length; i += 2) {
      String value = arguments[i + 1];
      if (arguments[i].equals("--seed") && value.matches("[0-9]{1,18}")) {
        seed = Long.parseLong(value);
      } else if (arguments[i].equals("--rows")) {
        rows = List.of(value.split(",", -1));
        known = KafkaChaos.ROWS.keySet().containsAll(rows);
      } else {
        known = false;
      }
    }
    if (!known) {
      err.println(USAGE + "; rows: " + KafkaChaos.ROWS.keySet());
      return 2;
    }
    return judge(out, seed, rows);
  }

  private static int judge(PrintStream out, long seed, List<String> rows) throws Exception {
    out.println("seed " + seed);
    Map<String, Long> sums = new LinkedHashMap<>();
    for (String row : rows) {
      RowResult result = KafkaChaos.run(row, seed);
      out.println(result.line());
      result.findings().forEach(finding -> out.println("  " + finding));
      result.broken().forEach((name, count) -> sums.merge(name, count, Long::sum));
    }
    StringJoiner json = new StringJoiner(",", "{", "}");
    sums.forEach((name, count) -> json.add('"' + name + "\":" + count));
    out.println(json);
    return sums.values().stream().allMatch(count -> count == 0) ? 0 : 1;
  }
}
