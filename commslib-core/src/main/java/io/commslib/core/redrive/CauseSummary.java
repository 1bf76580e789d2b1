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
 * Counts dead letters by cause, oldest first, and keeps nothing of their bodies. Bounded by the
 * number of causes and, for their keys, by a hash per letter.
 */
final class CauseSummary {

  private static final int MAX_CAUSES = 1_000;

  private static final class Counts {
    private final String sampleIdentity;
    private final Map<String, String> sampleCause;
    private final Set<Integer> keys = new HashSet<>();
    private Instant oldest;
    private Instant newest;
    private int count;
    private int quarantined;

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

    CauseGroup group(String fingerprint) {
      return new CauseGroup(
          fingerprint,
          count,
          keys.size(),
          quarantined,
          oldest,
          newest,
          sampleIdentity,
          sampleCause);
    }
  }

  private final int maxRedrives;
  private final Map<String, Counts> byCause = new LinkedHashMap<>();

  CauseSummary(int maxRedrives) {
    this.maxRedrives = maxRedrives;
  }

  void add(DeadLetter letter) {
    String fingerprint = letter.fingerprint();
    boolean room = byCause.size() < MAX_CAUSES || byCause.containsKey(fingerprint);
    byCause
        .computeIfAbsent(room ? fingerprint : CauseGroup.OTHER_CAUSES, cause -> new Counts(letter))
        .add(letter, letter.redriveCount() >= maxRedrives);
  }

  /** The groups, the largest first. */
  List<CauseGroup> groups() {
    List<CauseGroup> groups = new ArrayList<>();
    byCause.forEach((fingerprint, counts) -> groups.add(counts.group(fingerprint)));
    groups.sort(Collections.reverseOrder((a, b) -> Integer.compare(a.count(), b.count())));
    return groups;
  }
}
