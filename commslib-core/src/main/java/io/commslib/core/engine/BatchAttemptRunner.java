package io.commslib.core.engine;

import io.commslib.core.Failures;
import io.commslib.core.messaging.BatchHandler;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Inbox;
import io.commslib.core.messaging.Settlement;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import io.commslib.core.time.TimeSource;
import io.commslib.core.tx.TransactionContext;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Runs a batch handler once over records that are fit for it. What does not come to an outcome for
 * all of them in one go is left to single attempts, which count.
 */
final class BatchAttemptRunner {

  private final SubscriptionConfig config;
  private final BatchHandler handler;
  private final TimeSource time;
  private final String consumer;

  BatchAttemptRunner(SubscriptionConfig config, BatchHandler handler, TimeSource time) {
    this.config = config;
    this.handler = handler;
    this.time = time;
    this.consumer = config.destination() + "/" + config.group();
  }

  /**
   * Returns one verdict for each record, or an empty list when they have to be attempted one by
   * one.
   */
  List<AttemptOutcome> run(List<LaneEntry> entries) {
    List<Execution> executions = new ArrayList<>(entries.size());
    for (LaneEntry entry : entries) {
      executions.add(new Execution(entry, Objects.requireNonNull(entry.message), config, time));
    }
    // One of them stands for all at the watchdog: they share thread, deadline and transaction.
    Execution lead = executions.get(0);
    lead.entry().execution = lead;
    lead.entry().enter(LaneEntry.Phase.HANDLER);
    List<AttemptOutcome> verdicts;
    try {
      verdicts = inTransaction(lead, executions);
    } catch (Throwable failure) {
      AttemptOutcome outage = AttemptRunner.outage(failure);
      if (Failures.isJvmFailure(failure)) {
        outage = AttemptOutcome.jvmFailure(Failures.text(failure));
      }
      verdicts = outage == null ? List.of() : Collections.nCopies(entries.size(), outage);
    }
    boolean overrun = lead.end();
    lead.entry().execution = null;
    return overrun ? List.of() : verdicts;
  }

  private List<AttemptOutcome> inTransaction(Execution lead, List<Execution> executions)
      throws Exception {
    if (config.transactions().isEmpty()) {
      List<AttemptOutcome> verdicts = handle(executions);
      lead.beginCommit();
      return verdicts;
    }
    return config
        .transactions()
        .get()
        .run(
            (TransactionContext tx) -> {
              executions.forEach(execution -> execution.bind(tx));
              List<AttemptOutcome> verdicts = enterAndHandle(tx, executions);
              boolean all =
                  !verdicts.isEmpty()
                      && verdicts.stream().allMatch(v -> v.kind() == AttemptOutcome.Kind.FINISHED);
              if (!all || tx.isRollbackOnly() || !lead.beginCommit()) {
                tx.setRollbackOnly();
                return List.<AttemptOutcome>of();
              }
              lead.entry().enter(LaneEntry.Phase.COMMIT);
              return verdicts;
            });
  }

  private List<AttemptOutcome> enterAndHandle(TransactionContext tx, List<Execution> executions)
      throws Exception {
    Optional<Inbox> inbox = config.inbox();
    if (inbox.isEmpty()) {
      return handle(executions);
    }
    List<@Nullable AttemptOutcome> verdicts = new ArrayList<>(executions.size());
    List<Execution> fresh = new ArrayList<>(executions.size());
    boolean[] entered =
        inbox.get().enterAll(tx, consumer, executions.stream().map(Execution::message).toList());
    for (int i = 0; i < entered.length; i++) {
      verdicts.add(entered[i] ? null : AttemptOutcome.finished(Count.DUPLICATE));
      if (entered[i]) {
        fresh.add(executions.get(i));
      }
    }
    List<AttemptOutcome> handled = fresh.isEmpty() ? List.of() : handle(fresh);
    if (handled.size() != fresh.size()) {
      return List.of();
    }
    List<AttemptOutcome> all = new ArrayList<>(executions.size());
    int next = 0;
    for (AttemptOutcome verdict : verdicts) {
      all.add(verdict == null ? handled.get(next++) : verdict);
    }
    return all;
  }

  /** Returns as many verdicts as deliveries, or none. */
  private List<AttemptOutcome> handle(List<Execution> executions) throws Exception {
    List<Delivery> batch = Collections.unmodifiableList(executions);
    List<Settlement> outcomes = handler.handleAll(batch);
    if (outcomes == null
        || outcomes.size() != executions.size()
        || outcomes.stream().anyMatch(Objects::isNull)) {
      return List.of();
    }
    List<AttemptOutcome> verdicts = new ArrayList<>(outcomes.size());
    for (Settlement outcome : outcomes) {
      verdicts.add(AttemptRunner.outcomeOf(outcome));
    }
    return verdicts;
  }
}
