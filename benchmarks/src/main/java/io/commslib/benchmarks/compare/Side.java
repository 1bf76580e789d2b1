package io.commslib.benchmarks.compare;

import java.io.IOException;

/** One of the two states of a comparison: runs rounds of a scenario in a JVM of its own. */
public interface Side extends AutoCloseable {

  /**
   * What a round cost.
   *
   * @param perSecond items a second
   * @param processorNanos processor time of the side's JVM, an item
   * @param bytes bytes that its live threads allocated, an item; 0 where that is not measured
   */
  record Cost(double perSecond, double processorNanos, double bytes) {}

  /**
   * Runs a round.
   *
   * @param scenario what is done
   * @return its cost
   * @throws Exception if the round or its JVM fails
   */
  Cost round(Scenario scenario) throws Exception;

  @Override
  void close() throws IOException;
}
