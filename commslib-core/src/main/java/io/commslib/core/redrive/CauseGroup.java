package io.commslib.core.redrive;

import java.time.Instant;
import java.util.Map;

/**
 * The dead letters of one cause, without their bodies.
 *
 * @param fingerprint the text they have in common; {@link #OTHER_CAUSES} for the letters beyond the
 *     first 1,000 causes
 * @param count the number of letters
 * @param keys the number of different keys; letters without a key count as none
 * @param quarantined the number of letters that have been redriven as often as the cap allows
 * @param oldest the time at which the first was given up
 * @param newest the time at which the last was given up
 * @param sampleIdentity the identity of the oldest letter
 * @param sampleCause the cause of the oldest letter, as {@link
 *     io.commslib.core.messaging.DeadLetter#cause()} gives it
 */
public record CauseGroup(
    String fingerprint,
    int count,
    int keys,
    int quarantined,
    Instant oldest,
    Instant newest,
    String sampleIdentity,
    Map<String, String> sampleCause) {

  /** The fingerprint of the group that holds all causes beyond the first 1,000. */
  public static final String OTHER_CAUSES = "(other causes)";
}
