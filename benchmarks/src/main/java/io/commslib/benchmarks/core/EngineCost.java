package io.commslib.benchmarks.core;

import io.commslib.benchmarks.measure.Rounds;
import java.io.PrintStream;
import java.util.Map;

/** The cost of the delivery engine per record, and its growth with records and keys. */
public final class EngineCost {

  private EngineCost() {}

  /**
   * Measures and adds {@code engineMicrosPerRecord}, {@code engineBytesPerRecord}, {@code
   * growthRecords} and {@code growthKeys}, and with {@code PlainFormat} {@code
   * plainMicrosPerRecord} and {@code plainBytesPerRecord}.
   *
   * @param quick whether to use fewer records, keys and rounds
   * @param figures the map that receives the figures
   * @param out the output for each contender's figures
   */
  public static void measure(boolean quick, Map<String, Double> figures, PrintStream out)
      throws Exception {
    int many = quick ? 100_000 : 1_000_000;
    int manyKeys = quick ? 100_000 : 1_000_000;
    double[] bytes = new double[1];
    double[] plainBytes = new double[1];
    Rounds rounds =
        new Rounds()
            .contender("engine, 10,000 keys", () -> cost(many, 10_000, bytes))
            .contender("engine, 1,000 keys", () -> cost(many, 1_000, new double[1]))
            .contender("engine, " + manyKeys + " keys", () -> cost(many, manyKeys, new double[1]))
            .contender("engine, 10,000 records", () -> few(10_000, quick ? 5 : 50))
            .contender("engine, PlainFormat, 10,000 keys", () -> plain(many, plainBytes))
            .run(2, 3);
    rounds.print(out, "CPU us/record");
    figures.put("engineMicrosPerRecord", rounds.median("engine, 10,000 keys"));
    figures.put("engineBytesPerRecord", bytes[0]);
    figures.put("growthRecords", rounds.ratio("engine, 10,000 keys", "engine, 10,000 records"));
    figures.put("growthKeys", rounds.ratio("engine, " + manyKeys + " keys", "engine, 1,000 keys"));
    figures.put("plainMicrosPerRecord", rounds.median("engine, PlainFormat, 10,000 keys"));
    figures.put("plainBytesPerRecord", plainBytes[0]);
    out.printf("  bytes per record: CloudEvents %.0f, PlainFormat %.0f%n", bytes[0], plainBytes[0]);
  }

  private static double cost(int records, int keys, double[] bytes) throws InterruptedException {
    EngineLoad.Cost cost = EngineLoad.run(records, keys);
    bytes[0] = cost.bytes();
    return cost.cpuMicros();
  }

  private static double plain(int records, double[] bytes) throws InterruptedException {
    EngineLoad.Cost cost = EngineLoad.runPlain(records, 10_000);
    bytes[0] = cost.bytes();
    return cost.cpuMicros();
  }

  private static double few(int records, int times) throws InterruptedException {
    double sum = 0;
    for (int time = 0; time < times; time++) {
      sum += EngineLoad.run(records, 10_000).cpuMicros();
    }
    return sum / times;
  }
}
