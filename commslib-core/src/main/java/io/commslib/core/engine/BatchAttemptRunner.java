package io.commslib.core.engine;

import io.commslib.core.Failures;
import io.commslib.core.call.CallContext;
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
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Runs a batch handler once over eligible records. If this run does not finish all of them, it has
 * no effect, and single attempts follow, which count. Thread-safe.
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

  /** Returns one outcome for each record, or an empty list if they must be attempted one by one. */
  List<AttemptOutcome> run(List<LaneEntry> entries) {
    List<Execution> executions = new ArrayList<>(entries.size());
    for (LaneEntry entry : entries) {
      executions.add(new Execution(entry, Objects.requireNonNull(entry.message), config, time));
    }
    // The watchdog checks one for all: they share thread, deadline and transaction.
    Execution lead = executions.get(0);
    lead.entry().execution = lead;
    lead.entry().enter(LaneEntry.Phase.HANDLER);
    List<AttemptOutcome> outcomes;
    CallContext before = CallContext.attachLazily(context(lead, executions));
    try {
      outcomes = inTransaction(lead, executions);
    } catch (Throwable failure) {
      AttemptOutcome outage = AttemptRunner.outage(failure);
      if (Failures.isJvmFailure(failure)) {
        outage = AttemptOutcome.jvmFailure(Failures.text(failure));
      }
      outcomes = outage == null ? List.of() : Collections.nCopies(entries.size(), outage);
    } finally {
      before.restore();
    }
    boolean overrun = lead.end();
    lead.entry().execution = null;
    return overrun ? List.of() : outcomes;
  }

  private Supplier<CallContext> context(Execution lead, List<Execution> executions) {
    return executions.size() == 1
        ? lead::context
        : () ->
            HandlerContext.ofBatch(
                executions.stream().map(Execution::message).toList(), lead.deadlineNanos(), time);
  }

  private List<AttemptOutcome> inTransaction(Execution lead, List<Execution> executions)
      throws Exception {
    if (config.transactions().isEmpty()) {
      List<AttemptOutcome> outcomes = handle(executions);
      lead.beginCommit();
      return outcomes;
    }
    return config
        .transactions()
        .get()
        .run(
            (TransactionContext tx) -> {
              executions.forEach(execution -> execution.bind(tx));
              List<AttemptOutcome> outcomes = enterAndHandle(tx, executions);
              boolean all =
                  !outcomes.isEmpty()
                      && outcomes.stream()
                          .allMatch(one -> one.kind() == AttemptOutcome.Kind.FINISHED);
              if (!all || tx.isRollbackOnly() || !lead.beginCommit()) {
                tx.setRollbackOnly();
                return List.<AttemptOutcome>of();
              }
              lead.entry().enter(LaneEntry.Phase.COMMIT);
              return outcomes;
            });
  }

  private List<AttemptOutcome> enterAndHandle(TransactionContext tx, List<Execution> executions)
      throws Exception {
    Optional<Inbox> inbox = config.inbox();
    if (inbox.isEmpty()) {
      return handle(executions);
    }
    List<@Nullable AttemptOutcome> outcomes = new ArrayList<>(executions.size());
    List<Execution> fresh = new ArrayList<>(executions.size());
    boolean[] entered =
        inbox.get().enterAll(tx, consumer, executions.stream().map(Execution::message).toList());
    for (int i = 0; i < entered.length; i++) {
      outcomes.add(entered[i] ? null : AttemptOutcome.finished(Count.DUPLICATE));
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
    for (AttemptOutcome outcome : outcomes) {
      all.add(outcome == null ? handled.get(next++) : outcome);
    }
    return all;
  }

  /** Returns one outcome for each delivery, or none. */
  private List<AttemptOutcome> handle(List<Execution> executions) throws Exception {
    List<Delivery> batch = Collections.unmodifiableList(executions);
    List<Settlement> settlements = handler.handleAll(batch);
    if (settlements == null
        || settlements.size() != executions.size()
        || settlements.stream().anyMatch(Objects::isNull)) {
      return List.of();
    }
    List<AttemptOutcome> outcomes = new ArrayList<>(settlements.size());
    for (Settlement settlement : settlements) {
      outcomes.add(AttemptRunner.outcomeOf(settlement));
    }
    return outcomes;
  }
}
