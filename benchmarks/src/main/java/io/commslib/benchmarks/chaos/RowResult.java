package io.commslib.benchmarks.chaos;

import java.util.List;
import java.util.Map;

/**
 * What one row of the fault matrix came to.
 *
 * @param name number and words of the row
 * @param counts what happened, in words and numbers
 * @param broken counts that must be zero
 * @param findings some of what was wrong, in words
 * @param seconds how long the row took
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
