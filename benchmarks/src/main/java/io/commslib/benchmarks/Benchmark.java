package io.commslib.benchmarks;

import java.io.PrintStream;
import java.util.Map;

/** One benchmark: says what it does, runs its contenders in turns, and returns its key figures. */
public interface Benchmark {

  /** What is measured, in words. */
  String workload();

  /** Runs; prints each contender's figures; returns figures by the names the docs use. */
  Map<String, Double> run(boolean quick, PrintStream out) throws Exception;
}
