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
 * One run of a batch and what it came to: records that are finished, and records that go back to
 * their keys, some of them to be handled alone or with an outcome already decided. Confined to its
 * worker.
 */
final class BatchRun {

  private final List<LaneEntry> batch;
  private final AttemptRunner attemptRunner;
  private final Map<LaneEntry, Count> finished = new LinkedHashMap<>();
  private final Set<LaneEntry> returning = new HashSet<>();

  /** Keys whose further records of this batch have to wait for one that is not finished. */
  private final Set<Lane> stoppedLanes = new HashSet<>();

  private @Nullable AttemptOutcome outage;

  BatchRun(List<LaneEntry> taken, AttemptRunner attempts) {
    this.batch = taken;
    this.attemptRunner = attempts;
  }

  void run(BatchAttemptRunner batches) {
    List<LaneEntry> fit = eligible();
    List<AttemptOutcome> verdicts = fit.isEmpty() ? List.of() : batches.run(fit);
    for (int i = 0; i < fit.size(); i++) {
      LaneEntry entry = fit.get(i);
      if (verdicts.isEmpty()) {
        entry.mustRunAlone = true;
        returning.add(entry);
      } else if (verdicts.get(i).isOutage()) {
        outage = verdicts.get(i);
        returning.add(entry);
      } else {
        apply(entry, verdicts.get(i));
      }
    }
  }

  /** Leaves out what can't be decoded or has expired, and what stands behind it. */
  private List<LaneEntry> eligible() {
    List<LaneEntry> fit = new ArrayList<>(batch.size());
    Set<Lane> unfit = new HashSet<>();
    for (LaneEntry entry : batch) {
      boolean behind = entry.lane != null && unfit.contains(entry.lane);
      AttemptOutcome early = behind ? null : prepare(entry);
      if (behind) {
        returning.add(entry);
      } else if (early == null) {
        fit.add(entry);
      } else {
        postpone(entry, early, unfit);
      }
    }
    return fit;
  }

  private @Nullable AttemptOutcome prepare(LaneEntry entry) {
    try {
      return attemptRunner.prepare(entry);
    } catch (Throwable e) {
      return attemptRunner.attemptFailed(entry, e);
    }
  }

  private void apply(LaneEntry entry, AttemptOutcome verdict) {
    if (entry.lane != null && stoppedLanes.contains(entry.lane)) {
      returning.add(entry);
      return;
    }
    entry.handlerRuns = entry.failedAttempts() + 1;
    if (verdict.kind() == AttemptOutcome.Kind.FINISHED) {
      finished.put(entry, verdict.count());
      return;
    }
    if (verdict.kind() == AttemptOutcome.Kind.RETRY) {
      AttemptRunner.recordRetryRequest(entry);
    }
    postpone(entry, verdict, stoppedLanes);
  }

  private void postpone(LaneEntry entry, AttemptOutcome verdict, Set<Lane> stops) {
    entry.mustRunAlone = true;
    entry.history().pendingOutcome = verdict;
    returning.add(entry);
    if (entry.lane != null) {
      stops.add(entry.lane);
    }
  }

  Map<LaneEntry, Count> finished() {
    return Collections.unmodifiableMap(finished);
  }

  /** Youngest first, so that of each key the oldest ends up at its head. */
  List<LaneEntry> returning() {
    List<LaneEntry> youngestFirst = new ArrayList<>(returning.size());
    for (int i = batch.size() - 1; i >= 0; i--) {
      if (returning.contains(batch.get(i))) {
        youngestFirst.add(batch.get(i));
      }
    }
    return youngestFirst;
  }

  /** Why nothing could be handled just now, or null. */
  @Nullable AttemptOutcome outage() {
    return outage;
  }
}
