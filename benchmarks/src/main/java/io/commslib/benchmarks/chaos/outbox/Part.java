package io.commslib.benchmarks.chaos.outbox;

import java.util.ArrayList;
import java.util.List;

/**
 * What one world of a row came to.
 *
 * @param verdict from tables and histories
 * @param faults how many faults there were
 * @param missed what else was not as the row demands, in words; also faults that did not happen
 */
record Part(OutboxVerdict verdict, int faults, List<String> missed) {

  Part plus(Part other) {
    List<String> all = new ArrayList<>(missed);
    all.addAll(other.missed());
    return new Part(verdict.plus(other.verdict()), faults + other.faults(), all);
  }

  boolean isClean() {
    return verdict.isClean() && missed.isEmpty();
  }
}
