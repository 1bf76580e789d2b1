package io.commslib.benchmarks.compare;

import java.io.IOException;

/** One of the two states of a comparison; runs rounds of a scenario in its own JVM. */
public interface Side extends AutoCloseable {

  /**
   * The cost of a round.
   *
   * @param perSecond items per second
   * @param processorNanos processor time of the side's JVM per item
   * @param bytes bytes that its live threads allocated per item; 0 if not measured
   */
  record Cost(double perSecond, double processorNanos, double bytes) {}

  /**
   * Runs a round.
   *
   * @param scenario the scenario
   * @return its cost
   * @throws Exception if the round or its JVM fails
   */
  Cost round(Scenario scenario) throws Exception;

  @Override
  void close() throws IOException;
}
