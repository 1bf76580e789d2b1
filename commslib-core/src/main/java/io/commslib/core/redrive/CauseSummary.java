package io.commslib.core.redrive;

import io.commslib.core.messaging.DeadLetter;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Counts dead letters by cause, in the order in which causes first occur. Memory is bounded by the
 * number of causes and one hash per letter for its key; bodies are not kept.
 */
final class CauseSummary {

  private static final int MAX_CAUSES = 1_000;

  static final class Counts {
    final String sampleIdentity;
    final Map<String, String> sampleCause;
    final Set<Integer> keys = new HashSet<>();
    Instant oldest;
    Instant newest;
    int count;
    int quarantined;

    Counts(DeadLetter first) {
      this.sampleIdentity = first.identity();
      this.sampleCause = first.cause();
      this.oldest = first.failedAt();
      this.newest = first.failedAt();
    }

    void add(DeadLetter letter, boolean isQuarantined) {
      count++;
      quarantined += isQuarantined ? 1 : 0;
      letter.key().ifPresent(key -> keys.add(key.hashCode()));
      Instant failedAt = letter.failedAt();
      oldest = failedAt.isBefore(oldest) ? failedAt : oldest;
      newest = failedAt.isAfter(newest) ? failedAt : newest;
    }
  }

  private final int maxRedrives;
  private final Map<String, Counts> byCause = new LinkedHashMap<>();

  CauseSummary(int maxRedrives) {
    this.maxRedrives = maxRedrives;
  }

  void add(DeadLetter letter) {
    String fingerprint = letter.fingerprint();
    boolean hasCapacity = byCause.size() < MAX_CAUSES || byCause.containsKey(fingerprint);
    byCause
        .computeIfAbsent(
            hasCapacity ? fingerprint : CauseGroup.OTHER_CAUSES, cause -> new Counts(letter))
        .add(letter, letter.redriveCount() >= maxRedrives);
  }

  /** Returns the groups, the largest first. */
  List<CauseGroup> groups() {
    List<CauseGroup> groups = new ArrayList<>();
    byCause.forEach((fingerprint, counts) -> groups.add(new CauseGroup(fingerprint, counts)));
    groups.sort(Collections.reverseOrder((a, b) -> Integer.compare(a.count(), b.count())));
    return groups;
  }
}
