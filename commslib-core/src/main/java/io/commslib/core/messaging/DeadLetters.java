package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import java.util.List;
import java.util.function.Predicate;

/**
 * The dead letters of a transport's subscription groups. Applications call it; adapters implement
 * it. Thread-safe. All methods block for the broker, at most for the operation timeout per message.
 */
public interface DeadLetters {

  /**
   * Opens a listing of the dead letters of a group, oldest first, and leaves them in place. However
   * many there are, one page of them is in memory.
   *
   * @param source destination that the group consumes
   * @param group the group
   * @return a listing positioned before the first page; the caller closes it
   * @throws TransportException if the broker can't be reached or the group is unknown
   */
  DeadLetterListing open(Destination source, String group);

  /**
   * Returns the oldest dead letters of a group and leaves them in place: the first page of {@link
   * #open}.
   *
   * @param source destination that the group consumes
   * @param group the group
   * @param limit the maximum number of letters, 1 to 100,000
   * @return at most {@code limit} letters, and fewer if they exceed {@link
   *     DeadLetterListing#MAX_PAGE_BYTES}
   * @throws TransportException if the broker can't be reached or the group is unknown
   */
  default List<DeadLetter> list(Destination source, String group, int limit) {
    Checks.inRange("limit", limit, 1, 100_000);
    try (DeadLetterListing listing = open(source, group)) {
      return listing.next(limit);
    }
  }

  /**
   * Redrives selected dead letters, to the failing group only, oldest first, with the same id, key
   * and body. Each letter is removed from the dead letters after the broker has accepted the
   * redriven message. A crash in between sends the letter twice; it is never lost. The redriven
   * message is handled from attempt 1, and its {@link Delivery#redriveCount()} is one higher. Every
   * letter is sent exactly as the record was received, byte for byte, even if it could not be
   * decoded. One page of letters is in memory.
   *
   * @param source destination that the group consumes
   * @param group the group
   * @param select selects letters. It is called on the calling thread for each letter, oldest
   *     first, just before the letter is sent, so it may block to limit the rate. If it throws, the
   *     call ends with that exception, and letters redriven before stay redriven
   * @return the number of redriven letters
   * @throws TransportException if the broker can't be reached; letters redriven before stay
   *     redriven
   */
  int redrive(Destination source, String group, Predicate<DeadLetter> select);

  /**
   * Removes selected dead letters permanently. One page of letters is in memory.
   *
   * @param source destination that the group consumes
   * @param group the group
   * @param select selects letters
   * @return the number of removed letters
   * @throws TransportException if the broker can't be reached; letters removed before stay removed
   */
  int discard(Destination source, String group, Predicate<DeadLetter> select);
}
