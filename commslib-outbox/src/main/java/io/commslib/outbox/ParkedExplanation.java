package io.commslib.outbox;

import java.util.List;

/**
 * The reason why a message is parked, and the messages that wait behind it. Immutable.
 *
 * @param message the message with its attempts, its first and last failure, their class, cause and
 *     text
 * @param keyBlocked whether later messages of its key to its destination wait
 * @param blockedBy the ids of the parked messages that block them, oldest first; 100 at most
 * @param waiting the number of messages of the key that wait, 1,000 at most
 */
public record ParkedExplanation(
    ParkedMessage message, boolean keyBlocked, List<Long> blockedBy, int waiting) {

  /**
   * Creates an explanation.
   *
   * @param message the parked message
   * @param keyBlocked whether later messages of its key to its destination wait
   * @param blockedBy the ids of the parked messages that block them
   * @param waiting the number of messages of the key that wait
   */
  public ParkedExplanation {
    blockedBy = List.copyOf(blockedBy);
  }
}
