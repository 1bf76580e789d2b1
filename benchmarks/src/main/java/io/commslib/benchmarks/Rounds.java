package io.commslib.benchmarks;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;

/**
 * Contenders take turns, so that a slow moment of the machine hits all of them; the median of the
 * rounds counts.
 */
public final class Rounds {

  private final Map<String, Callable<Double>> contenders = new LinkedHashMap<>();
  private final Map<String, List<Double>> figures = new LinkedHashMap<>();

  public Rounds contender(String name, Callable<Double> measure) {
    contenders.put(name, measure);
    figures.put(name, new ArrayList<>());
    return this;
  }

  /**
   * Runs every contender {@code warmUps} times uncounted and {@code rounds} times counted, in
   * turns.
   */
  public Rounds run(int warmUps, int rounds) throws Exception {
    for (int round = 0; round < warmUps + rounds; round++) {
      for (Map.Entry<String, Callable<Double>> contender : contenders.entrySet()) {
        double figure = contender.getValue().call();
        if (round >= warmUps) {
          figures.get(contender.getKey()).add(figure);
        }
      }
    }
    return this;
  }

  public double median(String name) {
    double[] sorted = sorted(name);
    return sorted[sorted.length / 2];
  }

  public void print(PrintStream out, String unit) {
    for (String name : figures.keySet()) {
      double[] sorted = sorted(name);
      out.printf(
          Locale.ROOT,
          "  %-42s median %10.1f  min %10.1f  max %10.1f  %s%n",
          name,
          median(name),
          sorted[0],
          sorted[sorted.length - 1],
          unit);
    }
  }

  private double[] sorted(String name) {
    double[] sorted = figures.get(name).stream().mapToDouble(Double::doubleValue).toArray();
    Arrays.sort(sorted);
    return sorted;
  }
}
