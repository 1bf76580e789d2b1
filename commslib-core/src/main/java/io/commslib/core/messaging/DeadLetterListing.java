package io.commslib.core.messaging;

import java.util.List;

/**
 * One pass over the dead letters of a group, page by page. Applications call it; adapters implement
 * it. It holds what it has to hold at the broker until it is closed: on Kafka a client, on RabbitMQ
 * a channel on which the letters read so far wait to be put back. Confined to one thread.
 */
public interface DeadLetterListing extends AutoCloseable {

  /** The bytes of bodies and headers after which a page ends. */
  int MAX_PAGE_BYTES = 8 * 1024 * 1024;

  /**
   * Reads the next page. It begins where the page before it ended, oldest letters first, and ends
   * after {@code limit} letters or {@link #MAX_PAGE_BYTES}, whichever comes first; one letter is
   * always in it, however large. Only this page is in memory. Letters added while the listing is
   * open may be missing, letters removed meanwhile may be in it. Blocks for the broker, at most the
   * operation timeout.
   *
   * @param limit the maximum number of letters, 1 to 100,000
   * @return the letters; empty at the end
   * @throws TransportException if the broker can't be reached
   */
  List<DeadLetter> next(int limit);

  /** Frees what the listing holds. The letters stay where they are. Idempotent, never throws. */
  @Override
  void close();
}
