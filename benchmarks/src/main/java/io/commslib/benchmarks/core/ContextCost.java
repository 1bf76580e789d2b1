package io.commslib.benchmarks.core;

import io.commslib.benchmarks.measure.Rounds;
import java.io.PrintStream;
import java.util.Map;

/** The cost of the call context that the delivery engine opens around each handler. */
public final class ContextCost {

  private static final String WITH = "engine";
  private static final String WITHOUT = "engine without context";
  private static final int KEYS = 10_000;

  private ContextCost() {}

  /**
   * Measures and adds {@code engineVsBefore}, the ratio of processor time per record, and {@code
   * contextBytesPerRecord}.
   *
   * @param quick whether to use fewer records and rounds
   * @param figures the map that receives the figures
   * @param out the output for each contender's figures
   */
  public static void measure(boolean quick, Map<String, Double> figures, PrintStream out)
      throws Exception {
    int records = quick ? 100_000 : 500_000;
    double[] with = new double[1];
    double[] without = new double[1];
    Rounds rounds =
        new Rounds()
            .contender(WITH, () -> cpuMicros(EngineLoad.run(records, KEYS), with))
            .contender(
                WITHOUT, () -> cpuMicros(EngineLoad.runWithoutContext(records, KEYS), without))
            .run(3, quick ? 7 : 15);
    rounds.print(out, "CPU us/record");
    figures.put("engineVsBefore", rounds.ratio(WITH, WITHOUT));
    figures.put("contextBytesPerRecord", with[0] - without[0]);
    out.printf("  bytes per record: %.0f, without context %.0f%n", with[0], without[0]);
  }

  private static double cpuMicros(EngineLoad.Cost cost, double[] bytes) {
    bytes[0] = cost.bytes();
    return cost.cpuMicros();
  }
}
