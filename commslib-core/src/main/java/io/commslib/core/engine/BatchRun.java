package io.commslib.core.engine;

import io.commslib.core.messaging.SubscriptionSnapshot.Count;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * One run of a batch and its outcome: records that are finished, and records that return to their
 * lanes, some of them to run alone or with an outcome that is already known. Confined to its
 * worker.
 */
final class BatchRun {

  private final List<LaneEntry> batch;
  private final AttemptRunner attemptRunner;
  private final Map<LaneEntry, Count> finished = new LinkedHashMap<>();
  private final Set<LaneEntry> returning = new HashSet<>();

  /** Lanes whose further records of this batch must wait for one that is not finished. */
  private final Set<Lane> stoppedLanes = new HashSet<>();

  private @Nullable AttemptOutcome outage;

  BatchRun(List<LaneEntry> batch, AttemptRunner attemptRunner) {
    this.batch = batch;
    this.attemptRunner = attemptRunner;
  }

  void run(BatchAttemptRunner batches) {
    List<LaneEntry> eligible = eligible();
    List<AttemptOutcome> outcomes = eligible.isEmpty() ? List.of() : batches.run(eligible);
    for (int i = 0; i < eligible.size(); i++) {
      LaneEntry entry = eligible.get(i);
      if (outcomes.isEmpty()) {
        entry.mustRunAlone = true;
        returning.add(entry);
      } else if (outcomes.get(i).isOutage()) {
        outage = outcomes.get(i);
        returning.add(entry);
      } else {
        apply(entry, outcomes.get(i));
      }
    }
  }

  /** The records for the handler; without those that can't be handled and those behind them. */
  private List<LaneEntry> eligible() {
    List<LaneEntry> eligible = new ArrayList<>(batch.size());
    Set<Lane> ineligible = new HashSet<>();
    for (LaneEntry entry : batch) {
      boolean behind = entry.lane != null && ineligible.contains(entry.lane);
      AttemptOutcome early = behind ? null : prepare(entry);
      if (behind) {
        returning.add(entry);
      } else if (early == null) {
        eligible.add(entry);
      } else {
        postpone(entry, early, ineligible);
      }
    }
    return eligible;
  }

  private @Nullable AttemptOutcome prepare(LaneEntry entry) {
    try {
      return attemptRunner.prepare(entry);
    } catch (Throwable e) {
      return attemptRunner.attemptFailed(entry, e);
    }
  }

  private void apply(LaneEntry entry, AttemptOutcome outcome) {
    if (entry.lane != null && stoppedLanes.contains(entry.lane)) {
      returning.add(entry);
      return;
    }
    entry.handlerRuns = entry.failedAttempts() + 1;
    if (outcome.kind() == AttemptOutcome.Kind.FINISHED) {
      finished.put(entry, outcome.count());
      return;
    }
    if (outcome.kind() == AttemptOutcome.Kind.RETRY) {
      AttemptRunner.recordRetryRequest(entry);
    }
    postpone(entry, outcome, stoppedLanes);
  }

  private void postpone(LaneEntry entry, AttemptOutcome outcome, Set<Lane> lanes) {
    entry.mustRunAlone = true;
    entry.history().pendingOutcome = outcome;
    returning.add(entry);
    if (entry.lane != null) {
      lanes.add(entry.lane);
    }
  }

  int size() {
    return batch.size();
  }

  Map<LaneEntry, Count> finished() {
    return Collections.unmodifiableMap(finished);
  }

  /**
   * The records that return to their lanes, youngest first, so that the oldest becomes the head.
   */
  List<LaneEntry> returning() {
    List<LaneEntry> youngestFirst = new ArrayList<>(returning.size());
    for (int i = batch.size() - 1; i >= 0; i--) {
      if (returning.contains(batch.get(i))) {
        youngestFirst.add(batch.get(i));
      }
    }
    return youngestFirst;
  }

  /** The outage that the batch ended in, or null. */
  @Nullable AttemptOutcome outage() {
    return outage;
  }
}
