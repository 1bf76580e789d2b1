package io.commslib.core.redrive;

import io.commslib.core.messaging.DeadLetter;
import java.time.Instant;
import java.util.Map;

/** The dead letters of one cause, without their bodies. Immutable; made by {@link Redrive}. */
public final class CauseGroup {

  /** The fingerprint of the group that contains all causes beyond the first 1,000. */
  public static final String OTHER_CAUSES = "(other causes)";

  private final String fingerprint;
  private final int count;
  private final int keys;
  private final int quarantined;
  private final Instant oldest;
  private final Instant newest;
  private final String sampleIdentity;
  private final Map<String, String> sampleCause;

  CauseGroup(String fingerprint, CauseSummary.Counts counts) {
    this.fingerprint = fingerprint;
    this.count = counts.count;
    this.keys = counts.keys.size();
    this.quarantined = counts.quarantined;
    this.oldest = counts.oldest;
    this.newest = counts.newest;
    this.sampleIdentity = counts.sampleIdentity;
    this.sampleCause = counts.sampleCause;
  }

  /**
   * {@return the text that the letters have in common; {@link #OTHER_CAUSES} for the letters beyond
   * the first 1,000 causes}
   */
  public String fingerprint() {
    return fingerprint;
  }

  /** {@return the number of letters} */
  public int count() {
    return count;
  }

  /** {@return the number of different keys; letters without a key count as none} */
  public int keys() {
    return keys;
  }

  /** {@return the number of letters that have been redriven as often as the cap allows} */
  public int quarantined() {
    return quarantined;
  }

  /** {@return the time at which the first letter was dead-lettered} */
  public Instant oldest() {
    return oldest;
  }

  /** {@return the time at which the last letter was dead-lettered} */
  public Instant newest() {
    return newest;
  }

  /** {@return the identity of the oldest letter} */
  public String sampleIdentity() {
    return sampleIdentity;
  }

  /** {@return the cause of the oldest letter, as in {@link DeadLetter#cause()}} */
  public Map<String, String> sampleCause() {
    return sampleCause;
  }

  @Override
  public String toString() {
    return "CauseGroup{fingerprint="
        + fingerprint
        + ", count="
        + count
        + ", keys="
        + keys
        + ", quarantined="
        + quarantined
        + ", oldest="
        + oldest
        + ", newest="
        + newest
        + ", sampleIdentity="
        + sampleIdentity
        + ", sampleCause="
        + sampleCause
        + "}";
  }
}
