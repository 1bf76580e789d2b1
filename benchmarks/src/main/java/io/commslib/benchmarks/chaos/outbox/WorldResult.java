package io.commslib.benchmarks.chaos.outbox;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What one world of a row came to.
 *
 * @param verdict from tables and histories
 * @param figures how often what happened, by name
 * @param unmet what else was not as the row demands, in words; also faults that did not happen
 */
record WorldResult(OutboxVerdict verdict, Map<String, Long> figures, List<String> unmet) {

  WorldResult plus(WorldResult other) {
    Map<String, Long> sums = new LinkedHashMap<>(figures);
    other.figures().forEach((name, count) -> sums.merge(name, count, Long::sum));
    List<String> all = new ArrayList<>(unmet);
    all.addAll(other.unmet());
    return new WorldResult(verdict.plus(other.verdict()), sums, all);
  }

  boolean isClean() {
    return verdict.isClean() && unmet.isEmpty();
  }

  long figure(String name) {
    return figures.getOrDefault(name, 0L);
  }
}
