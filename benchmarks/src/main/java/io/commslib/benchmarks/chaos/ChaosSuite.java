package io.commslib.benchmarks.chaos;

import java.util.Map;

/** Rows of the fault matrix that belong together. */
public interface ChaosSuite {

  /** What happens in each row, by its number; in the order in which they run. */
  Map<String, String> rows();

  /** Runs a row. */
  RowResult run(String row, ChaosOptions options) throws Exception;
}
