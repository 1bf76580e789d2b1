package io.commslib.benchmarks.chaos.broker;

import io.commslib.benchmarks.chaos.RowResult;
import io.commslib.testkit.history.HistoryOracle;
import io.commslib.testkit.history.HistoryVerdict;
import io.commslib.testkit.history.HistoryVerdict.Counter;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;

/** Counts violations during a row and returns the row's result at its end. */
final class ResultCollector {

  static final Duration QUIET_LIMIT = Duration.ofSeconds(180);
  private static final Duration STUCK_AFTER = Duration.ofSeconds(60);

  private final long started = System.nanoTime();
  private final Map<String, Long> violations = new LinkedHashMap<>();
  private final List<String> findings = new ArrayList<>();

  /** Adds violations to a counter, with a description. */
  void addViolation(String count, long amount, String finding) {
    if (amount > 0) {
      violations.merge(count, amount, Long::sum);
      findings.add(finding);
    }
  }

  /**
   * Waits until this number of messages has had an effect. Messages without effect later count as
   * lost. Returns immediately if the row is stuck already.
   */
  void awaitEffects(GroupMembers members, long count) {
    if (violations.containsKey("stuck")) {
      return;
    }
    long end = System.nanoTime() + QUIET_LIMIT.toNanos();
    long last = -1;
    long now = members.effectCount();
    while (now < count && System.nanoTime() - end < 0) {
      if (now != last) {
        last = now;
        end = System.nanoTime() + QUIET_LIMIT.toNanos();
      }
      LockSupport.parkNanos(50_000_000);
      now = members.effectCount();
    }
    addViolation(
        "stuck",
        now < count ? 1 : 0,
        now + " of " + count + " effects, no further one in " + QUIET_LIMIT.toSeconds() + " s");
  }

  /** Returns the result of a row, judged from the histories of its producers and members. */
  RowResult result(String name, String counts, List<Path> histories) throws IOException {
    HistoryVerdict verdict =
        HistoryOracle.of(List.of(GroupMembers.GROUP), STUCK_AFTER).judge(histories);
    Map<String, Long> counted = new LinkedHashMap<>();
    counted.put("lost", verdict.count(Counter.LOST));
    counted.put("unexpected", verdict.count(Counter.UNEXPECTED));
    counted.put("duplicateEffects", verdict.count(Counter.DUPLICATE_EFFECTS));
    counted.put("inversions", verdict.count(Counter.REORDERED));
    counted.put("stuck", verdict.count(Counter.STUCK));
    violations.forEach((what, count) -> counted.merge(what, count, Long::sum));
    findings.addAll(verdict.findings());
    String all =
        String.format(
            "%s, %d acknowledged, %d redelivered, %d parked",
            counts,
            verdict.count(Counter.ACKNOWLEDGED),
            verdict.count(Counter.REDELIVERED),
            verdict.count(Counter.PARKED));
    return new RowResult(name, all, counted, findings, (System.nanoTime() - started) / 1e9);
  }
}
