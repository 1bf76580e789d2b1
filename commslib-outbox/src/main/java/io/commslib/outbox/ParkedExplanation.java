package io.commslib.outbox;

import java.util.List;

/**
 * Why a message is parked and what that holds up. Immutable.
 *
 * @param message attempts, first and last failure, class, cause and text
 * @param keyBlocked whether later messages of its key to its destination wait
 * @param blockedBy the parked messages that block them, oldest first; 100 at most
 * @param waiting how many messages of the key wait, 1,000 at most
 */
public record ParkedExplanation(
    ParkedMessage message, boolean keyBlocked, List<Long> blockedBy, int waiting) {

  /**
   * Creates an explanation.
   *
   * @param message attempts, first and last failure, class, cause and text
   * @param keyBlocked whether later messages of its key to its destination wait
   * @param blockedBy the parked messages that block them
   * @param waiting how many messages of the key wait
   */
  public ParkedExplanation {
    blockedBy = List.copyOf(blockedBy);
  }
}
