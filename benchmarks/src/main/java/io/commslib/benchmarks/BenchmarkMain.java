package io.commslib.benchmarks;

import io.commslib.benchmarks.calls.CallsBenchmark;
import io.commslib.benchmarks.core.CoreBenchmark;
import io.commslib.benchmarks.grpc.GrpcBenchmark;
import io.commslib.benchmarks.idempotency.IdempotencyBenchmark;
import io.commslib.benchmarks.kafka.KafkaBenchmark;
import io.commslib.benchmarks.outbox.OutboxBenchmark;
import java.io.PrintStream;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import java.util.function.Supplier;

/** {@code benchmarks/run NAME [--quick]}. */
public final class BenchmarkMain {

  private static final Map<String, Supplier<Benchmark>> BENCHMARKS = new LinkedHashMap<>();

  static {
    BENCHMARKS.put("calls", CallsBenchmark::new);
    BENCHMARKS.put("core", CoreBenchmark::new);
    BENCHMARKS.put("grpc", GrpcBenchmark::new);
    BENCHMARKS.put("idempotency", IdempotencyBenchmark::new);
    BENCHMARKS.put("kafka", KafkaBenchmark::new);
    BENCHMARKS.put("outbox", OutboxBenchmark::new);
  }

  private BenchmarkMain() {}

  public static void main(String[] arguments) throws Exception {
    System.exit(run(System.out, System.err, arguments));
  }

  static int run(PrintStream out, PrintStream err, String... arguments) throws Exception {
    String name = "";
    boolean quick = false;
    for (String argument : arguments) {
      if (argument.equals("--list") || argument.equals("--help") || argument.equals("-h")) {
        out.println("usage: benchmarks/run NAME [--quick]");
        BENCHMARKS.forEach(
            (known, benchmark) -> out.println("  " + known + ": " + benchmark.get().workload()));
        return 0;
      } else if (argument.equals("--quick")) {
        quick = true;
      } else if (name.isEmpty() && BENCHMARKS.containsKey(argument)) {
        name = argument;
      } else {
        err.println(
            "unknown benchmark or option: "
                + argument
                + " (expected: one of "
                + BENCHMARKS.keySet()
                + ", --quick, --list)");
        return 2;
      }
    }
    if (name.isEmpty()) {
      err.println(
          "no benchmark named (expected: one of "
              + BENCHMARKS.keySet()
              + "; see benchmarks/run --list)");
      return 2;
    }
    Benchmark benchmark = BENCHMARKS.get(name).get();
    out.println("workload: " + benchmark.workload());
    Map<String, Double> figures = benchmark.run(quick, out);
    StringJoiner json = new StringJoiner(",", "{", "}");
    figures.forEach(
        (key, value) -> json.add(String.format(Locale.ROOT, "\"%s\":%.3f", key, value)));
    out.println(json);
    return 0;
  }
}
