package io.commslib.benchmarks;

import java.io.PrintStream;
import java.util.Map;

/**
 * One benchmark: describes its workload, runs its contenders in turns, and returns its key figures.
 */
public interface Benchmark {

  /** {@return a description of the workload} */
  String workload();

  /** Runs the benchmark, prints each contender's figures, and returns the key figures by name. */
  Map<String, Double> run(boolean quick, PrintStream out) throws Exception;
}
