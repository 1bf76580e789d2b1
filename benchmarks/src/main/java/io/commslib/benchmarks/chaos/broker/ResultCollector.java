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

/** Counts what must not happen in a row, and gives the row's result at its end. */
final class ResultCollector {

  static final Duration QUIET_LIMIT = Duration.ofSeconds(180);
  private static final Duration STUCK_AFTER = Duration.ofSeconds(60);

  private final long started = System.nanoTime();
  private final Map<String, Long> violations = new LinkedHashMap<>();
  private final List<String> findings = new ArrayList<>();

  /** Counts something that must not happen. */
  void addViolation(String count, long howMuch, String finding) {
    if (howMuch > 0) {
      violations.merge(count, howMuch, Long::sum);
      findings.add(finding);
    }
  }

  /**
   * Waits until so many messages have had their effect; what is missing then counts as lost. Waits
   * no more in a row that is stuck.
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
        now + " of " + count + " effects, none more in " + QUIET_LIMIT.toSeconds() + " s");
  }

  /** The result of a row, from the histories of its producers and members. */
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
