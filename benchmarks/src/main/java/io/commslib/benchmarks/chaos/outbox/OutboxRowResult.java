package io.commslib.benchmarks.chaos.outbox;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * The result of a row, or of a part of it.
 *
 * @param verdict the verdict from tables and histories
 * @param figures counts of events, by name
 * @param unmetExpectations descriptions of other unmet expectations, also of faults that did not
 *     happen
 */
record OutboxRowResult(
    OutboxVerdict verdict, Map<String, Long> figures, List<String> unmetExpectations) {

  OutboxRowResult plus(OutboxRowResult other) {
    Map<String, Long> sums = new LinkedHashMap<>(figures);
    other.figures().forEach((name, count) -> sums.merge(name, count, Long::sum));
    List<String> all = new ArrayList<>(unmetExpectations);
    all.addAll(other.unmetExpectations());
    return new OutboxRowResult(verdict.plus(other.verdict()), sums, all);
  }

  boolean isClean() {
    return verdict.isClean() && unmetExpectations.isEmpty();
  }

  long figure(String name) {
    return figures.getOrDefault(name, 0L);
  }
}
