package io.commslib.benchmarks.chaos;

import java.util.Map;

/** The rows of the fault matrix for one component. */
public interface ChaosSuite {

  /** {@return the description of each row by its number, in the order in which rows run} */
  Map<String, String> rows();

  /** Runs a row. */
  RowResult run(String row, ChaosOptions options) throws Exception;
}
