package io.commslib.core.messaging;

import java.util.List;

/**
 * One pass over the dead letters of a group, page by page. Applications call it; adapters implement
 * it. It occupies resources of the broker until it is closed: on Kafka a client, on RabbitMQ a
 * channel with the unacknowledged letters read so far. Confined to one thread.
 */
public interface DeadLetterListing extends AutoCloseable {

  /** Number of bytes of bodies and headers after which a page ends. */
  int MAX_PAGE_BYTES = 8 * 1024 * 1024;

  /**
   * Reads the next page: the letters after the page before, oldest first. The page ends after
   * {@code limit} letters or {@link #MAX_PAGE_BYTES}, whichever comes first. It contains at least
   * one letter, however large. Only this page is in memory. Letters added while the listing is open
   * may be missing, and letters removed meanwhile may be included. Blocks for the broker, at most
   * for the operation timeout.
   *
   * @param limit the maximum number of letters, 1 to 100,000
   * @return the letters; empty at the end
   * @throws TransportException if the broker can't be reached
   */
  List<DeadLetter> next(int limit);

  /** Frees the broker's resources. The letters stay in place. Idempotent, never throws. */
  @Override
  void close();
}
