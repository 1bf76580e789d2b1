package io.commslib.benchmarks.chaos.outbox;

import io.commslib.testkit.history.HistoryOp;
import io.commslib.testkit.history.HistoryOracle;
import io.commslib.testkit.history.HistoryVerdict;
import io.commslib.testkit.history.HistoryVerdict.Counter;
import io.commslib.testkit.history.HistoryWriter;
import io.commslib.testkit.history.MessageTrace;
import java.io.IOException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * The verdict on a system. The application's tables show the committed messages and the effects.
 * The histories of the writers show the results they got.
 *
 * @param committed the number of messages of committed transactions
 * @param received the number of messages that the broker accepted, duplicates included
 * @param lost messages that were committed, or reported as committed, and had no effect
 * @param uncommittedPublished messages that the broker accepted and that were not committed
 * @param duplicateEffects effects beyond the first
 * @param inversions effects out of the order of their key
 * @param stuck unfinished rows of the outbox at the end, and dead letters
 * @param findings descriptions of some violations
 */
record OutboxVerdict(
    long committed,
    long received,
    long lost,
    long uncommittedPublished,
    long duplicateEffects,
    long inversions,
    long stuck,
    List<String> findings) {

  private static final Duration NO_LIMIT = Duration.ofHours(24);

  static OutboxVerdict of(OutboxTestSystem system, List<Path> histories, Path own)
      throws IOException, SQLException {
    List<MessageTrace> orders = system.tables().orders();
    Set<String> committed = new HashSet<>();
    orders.forEach(order -> committed.add(order.id()));
    try (HistoryWriter history = HistoryWriter.open(own, "chaos", "tables")) {
      for (MessageTrace order : orders) {
        // The row replaces the attempt of a writer that died before it recorded it.
        history.record(HistoryOp.ATTEMPT, order);
        history.record(HistoryOp.COMMIT, order);
      }
      for (MessageTrace effect : system.tables().effects()) {
        history.record(HistoryOp.DELIVER, ChaosConsumer.NAME, effect, 1);
        history.record(HistoryOp.EFFECT, ChaosConsumer.NAME, effect, 1);
      }
    }
    List<Path> files = new ArrayList<>(histories);
    files.add(own);
    HistoryVerdict verdict = HistoryOracle.of(List.of(ChaosConsumer.NAME), NO_LIMIT).judge(files);
    List<String> findings = new ArrayList<>(verdict.findings());
    Set<String> uncommitted = new HashSet<>(system.receivedFrom().keySet());
    uncommitted.removeAll(committed);
    uncommitted.stream().limit(20).forEach(id -> findings.add("published, not committed: " + id));
    int deadLetters = system.consumer().deadLetterCount();
    return new OutboxVerdict(
        orders.size(),
        system.receivedCount(),
        verdict.count(Counter.LOST),
        Math.max(uncommitted.size(), verdict.count(Counter.UNEXPECTED)),
        verdict.count(Counter.DUPLICATE_EFFECTS),
        verdict.count(Counter.REORDERED),
        system.unfinishedRows() + deadLetters,
        findings);
  }

  Map<String, Long> violations() {
    Map<String, Long> counts = new LinkedHashMap<>();
    counts.put("lost", lost);
    counts.put("uncommittedPublished", uncommittedPublished);
    counts.put("duplicateEffects", duplicateEffects);
    counts.put("inversions", inversions);
    counts.put("stuck", stuck);
    return counts;
  }

  boolean isClean() {
    return violations().values().stream().allMatch(count -> count == 0);
  }

  OutboxVerdict plus(OutboxVerdict other) {
    List<String> all = new ArrayList<>(findings);
    all.addAll(other.findings());
    return new OutboxVerdict(
        committed + other.committed,
        received + other.received,
        lost + other.lost,
        uncommittedPublished + other.uncommittedPublished,
        duplicateEffects + other.duplicateEffects,
        inversions + other.inversions,
        stuck + other.stuck,
        all);
  }
}
