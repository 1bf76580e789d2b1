package io.commslib.core.redrive;

/**
 * The result of a redrive or of its dry run.
 *
 * @param selected number of letters that the selection matches
 * @param sent number of letters redriven; in a dry run, of those that would be redriven
 * @param quarantined number of letters left in place because they have been redriven as often as
 *     the cap allows
 * @param behindQuarantined number of letters left in place because an earlier letter of their key
 *     is in quarantine and they would overtake it
 */
public record RedriveReport(int selected, int sent, int quarantined, int behindQuarantined) {}
