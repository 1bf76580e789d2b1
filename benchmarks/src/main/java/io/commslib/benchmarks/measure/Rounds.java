package io.commslib.benchmarks.measure;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Callable;

/**
 * Runs contenders in turns, so that a slow phase of the machine affects all of them. Each round has
 * another order, so that no contender always pays for the garbage of the same predecessor. The
 * median of the rounds counts.
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
    List<String> order = new ArrayList<>(contenders.keySet());
    Random shuffler = new Random(1);
    for (int round = 0; round < warmUps + rounds; round++) {
      Collections.shuffle(order, shuffler);
      for (String name : order) {
        double figure = contenders.get(name).call();
        if (round >= warmUps) {
          figures.get(name).add(figure);
        }
      }
    }
    return this;
  }

  public double median(String name) {
    return middle(figures.get(name));
  }

  /**
   * Returns the median of the ratios of each round. A slow phase of the machine affects both
   * figures of a round.
   */
  public double ratio(String name, String to) {
    return middle(ratios(name, to));
  }

  private List<Double> ratios(String name, String to) {
    List<Double> ratios = new ArrayList<>();
    for (int round = 0; round < figures.get(name).size(); round++) {
      ratios.add(figures.get(name).get(round) / figures.get(to).get(round));
    }
    return ratios;
  }

  /** Prints the median and the spread of the ratios of each round. */
  public void printRatio(PrintStream out, String name, String to) {
    double[] sorted = sorted(ratios(name, to));
    out.printf(
        Locale.ROOT,
        "  %s / %s: median %.3f  min %.3f  max %.3f%n",
        name,
        to,
        ratio(name, to),
        sorted[0],
        sorted[sorted.length - 1]);
  }

  public void print(PrintStream out, String unit) {
    for (String name : figures.keySet()) {
      double[] sorted = sorted(figures.get(name));
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

  private static double middle(List<Double> values) {
    double[] sorted = sorted(values);
    return sorted[sorted.length / 2];
  }

  private static double[] sorted(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
  }
}
