package io.commslib.benchmarks.chaos;

import java.util.List;
import java.util.Map;

/**
 * The result of one row of the fault matrix.
 *
 * @param name the number and description of the row
 * @param counts a summary of what happened
 * @param violations the counters that must be zero
 * @param findings descriptions of some violations
 * @param seconds the duration of the row
 */
public record RowResult(
    String name,
    String counts,
    Map<String, Long> violations,
    List<String> findings,
    double seconds) {

  String line() {
    return String.format("row %s: %s, %s, %.0f s", name, counts, violations, seconds);
  }
}
