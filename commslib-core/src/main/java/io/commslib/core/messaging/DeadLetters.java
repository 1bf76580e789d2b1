package io.commslib.core.messaging;

import java.util.List;
import java.util.function.Predicate;

/**
 * The dead letters of a transport's subscription groups. Applications call it; adapters implement
 * it. Thread-safe; all methods block for the broker, at most the operation timeout per message.
 *
 * @since 0.1
 */
public interface DeadLetters {

  /**
   * Returns dead letters of a group, oldest first, and leaves them where they are.
   *
   * @param source what the group consumes
   * @param group the group
   * @param limit how many at most, 1 to 100,000
   * @return up to {@code limit}
   * @throws TransportException if the broker can't be reached or the group is unknown
   */
  List<DeadLetter> list(Destination source, String group, int limit);

  /**
   * Sends chosen dead letters back, to the failing group only, oldest first, with the same id, key
   * and body; each is removed from the dead letters after the broker has taken the message back. A
   * crash in between sends it twice, never not at all. Handled again from attempt 1; {@link
   * Delivery#redriveCount()} is one higher. Undecodable ones are sent back as they were.
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
   * Removes chosen dead letters for good.
   *
   * @param source what the group consumes
   * @param group the group
   * @param select which ones
   * @return how many were removed
   * @throws TransportException if the broker can't be reached; those removed so far are removed
   */
  int discard(Destination source, String group, Predicate<DeadLetter> select);
}
