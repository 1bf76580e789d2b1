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

  private final List<LaneEntry> taken;
  private final AttemptRunner attempts;
  private final Map<LaneEntry, Count> finished = new LinkedHashMap<>();
  private final Set<LaneEntry> untaken = new HashSet<>();

  /** Keys whose further records of this batch have to wait for one that is not finished. */
  private final Set<Lane> stopped = new HashSet<>();

  private @Nullable AttemptOutcome outage;

  BatchRun(List<LaneEntry> taken, AttemptRunner attempts) {
    this.taken = taken;
    this.attempts = attempts;
  }

  void run(BatchAttemptRunner batches) {
    List<LaneEntry> fit = fit();
    List<AttemptOutcome> verdicts = fit.isEmpty() ? List.of() : batches.run(fit);
    for (int i = 0; i < fit.size(); i++) {
      LaneEntry entry = fit.get(i);
      if (verdicts.isEmpty()) {
        entry.single = true;
        untaken.add(entry);
      } else if (verdicts.get(i).isOutage()) {
        outage = verdicts.get(i);
        untaken.add(entry);
      } else {
        apply(entry, verdicts.get(i));
      }
    }
  }

  /** Leaves out what can't be decoded or has expired, and what stands behind it. */
  private List<LaneEntry> fit() {
    List<LaneEntry> fit = new ArrayList<>(taken.size());
    Set<Lane> unfit = new HashSet<>();
    for (LaneEntry entry : taken) {
      boolean behind = entry.lane != null && unfit.contains(entry.lane);
      AttemptOutcome early = behind ? null : prepare(entry);
      if (behind) {
        untaken.add(entry);
      } else if (early == null) {
        fit.add(entry);
      } else {
        decide(entry, early, unfit);
      }
    }
    return fit;
  }

  private @Nullable AttemptOutcome prepare(LaneEntry entry) {
    try {
      return attempts.prepare(entry);
    } catch (Throwable e) {
      return attempts.failed(entry, e);
    }
  }

  private void apply(LaneEntry entry, AttemptOutcome verdict) {
    if (entry.lane != null && stopped.contains(entry.lane)) {
      untaken.add(entry);
      return;
    }
    entry.attempts = entry.failedAttempts() + 1;
    if (verdict.kind() == AttemptOutcome.Kind.FINISHED) {
      finished.put(entry, verdict.count());
      return;
    }
    if (verdict.kind() == AttemptOutcome.Kind.RETRY) {
      AttemptRunner.askedForRetry(entry);
    }
    decide(entry, verdict, stopped);
  }

  private void decide(LaneEntry entry, AttemptOutcome verdict, Set<Lane> stops) {
    entry.single = true;
    entry.failures().decided = verdict;
    untaken.add(entry);
    if (entry.lane != null) {
      stops.add(entry.lane);
    }
  }

  Map<LaneEntry, Count> finished() {
    return Collections.unmodifiableMap(finished);
  }

  /** Youngest first, so that of each key the oldest ends up at its head. */
  List<LaneEntry> untaken() {
    List<LaneEntry> youngestFirst = new ArrayList<>(untaken.size());
    for (int i = taken.size() - 1; i >= 0; i--) {
      if (untaken.contains(taken.get(i))) {
        youngestFirst.add(taken.get(i));
      }
    }
    return youngestFirst;
  }

  /** Why nothing could be handled just now, or null. */
  @Nullable AttemptOutcome outage() {
    return outage;
  }
}
