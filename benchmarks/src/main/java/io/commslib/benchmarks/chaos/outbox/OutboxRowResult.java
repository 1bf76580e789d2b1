package io.commslib.benchmarks.chaos.outbox;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What one system of a row came to.
 *
 * @param verdict from tables and histories
 * @param figures how often what happened, by name
 * @param unmet what else was not as the row demands, in words; also faults that did not happen
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
