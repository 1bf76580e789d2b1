package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import java.util.List;
import java.util.function.Predicate;

/**
 * The dead letters of a transport's subscription groups. Applications call it; adapters implement
 * it. Thread-safe; all methods block for the broker, at most the operation timeout per message.
 */
public interface DeadLetters {

  /**
   * Begins to read the dead letters of a group, oldest first, and leaves them where they are.
   * However many there are, one page of them is in memory.
   *
   * @param source what the group consumes
   * @param group the group
   * @return a listing that stands before the first page; the caller closes it
   * @throws TransportException if the broker can't be reached or the group is unknown
   */
  DeadLetterListing open(Destination source, String group);

  /**
   * Returns the oldest dead letters of a group and leaves them where they are: the first page of
   * {@link #open}.
   *
   * @param source what the group consumes
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
   * Sends chosen dead letters back, to the failing group only, oldest first, with the same id, key
   * and body; each is removed from the dead letters after the broker has taken the message back. A
   * crash in between sends it twice, never not at all. Handled again from attempt 1; {@link
   * Delivery#redriveCount()} is one higher. Every letter goes back as the record was received, byte
   * for byte, also one that could not be decoded. One page of letters is in memory.
   *
   * @param source what the group consumes
   * @param group the group
   * @param select which ones; asked on the calling thread, oldest first, for each just before it is
   *     sent, so it may wait to pace them, and what it throws ends the call with those sent so far
   *     sent
   * @return how many were sent back
   * @throws TransportException if the broker can't be reached; those sent so far are sent
   */
  int redrive(Destination source, String group, Predicate<DeadLetter> select);

  /**
   * Removes chosen dead letters for good. One page of letters is in memory.
   *
   * @param source what the group consumes
   * @param group the group
   * @param select which ones
   * @return how many were removed
   * @throws TransportException if the broker can't be reached; those removed so far are removed
   */
  int discard(Destination source, String group, Predicate<DeadLetter> select);
}
