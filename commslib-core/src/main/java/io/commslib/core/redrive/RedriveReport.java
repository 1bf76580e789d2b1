package io.commslib.core.redrive;

/**
 * What a redrive or its rehearsal came to.
 *
 * @param selected letters the selection means
 * @param sent letters sent back; in a rehearsal, those that would be
 * @param quarantined letters left where they are, since they have been sent back as often as the
 *     cap allows
 * @param behindQuarantined letters left where they are, since an earlier one of their key is in
 *     quarantine and they would overtake it
 */
public record RedriveReport(int selected, int sent, int quarantined, int behindQuarantined) {}
