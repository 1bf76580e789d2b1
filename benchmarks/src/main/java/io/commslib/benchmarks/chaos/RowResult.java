package io.commslib.benchmarks.chaos;

import io.commslib.testkit.HistoryVerdict;
import io.commslib.testkit.HistoryVerdict.Counter;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What one row of the fault matrix came to.
 *
 * @param name number and words of the row
 * @param faults how many faults there were
 * @param verdict of the histories
 * @param missingJunk unreadable records that stand in no dead letter; negative if some do twice
 * @param seconds how long the row took
 */
record RowResult(
    String name, int faults, HistoryVerdict verdict, long missingJunk, double seconds) {

  Map<String, Long> broken() {
    Map<String, Long> counts = new LinkedHashMap<>();
    counts.put("lost", verdict.count(Counter.LOST) + Math.max(0, missingJunk));
    counts.put("unexpected", verdict.count(Counter.UNEXPECTED) + Math.max(0, -missingJunk));
    counts.put("duplicateEffects", verdict.count(Counter.DUPLICATE_EFFECTS));
    counts.put("inversions", verdict.count(Counter.REORDERED));
    counts.put("stuck", verdict.count(Counter.STUCK));
    return counts;
  }

  List<String> findings() {
    return verdict.findings();
  }

  String line() {
    return String.format(
        "%s: %d faults, %d acknowledged, %d redelivered, %d parked, %s, %.0f s",
        name,
        faults,
        verdict.count(Counter.ACKNOWLEDGED),
        verdict.count(Counter.REDELIVERED),
        verdict.count(Counter.PARKED),
        broken(),
        seconds);
  }
}
