package io.commslib.core.inmemory;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.wire.DeadLetterHeaders;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Lists dead letters by number, each page from the last number on. Not thread-safe. */
final class InMemoryListing implements DeadLetterListing {

  private final InMemoryGroup group;
  private final MessageFormat format;
  private final long youngest;
  private long last;

  InMemoryListing(InMemoryGroup group, MessageFormat format) {
    this.group = group;
    this.format = format;
    this.youngest = group.youngestDeadLetter();
  }

  @Override
  public List<DeadLetter> next(int limit) {
    Checks.inRange("limit", limit, 1, 100_000);
    List<DeadLetter> page = new ArrayList<>();
    long bytes = 0;
    Map.Entry<Long, ForeignRecord> letter = group.deadLetterAfter(last, youngest);
    while (letter != null && page.size() < limit) {
      bytes += letter.getValue().sizeBytes();
      if (!page.isEmpty() && bytes > MAX_PAGE_BYTES) {
        break;
      }
      page.add(DeadLetterHeaders.read(letter.getValue(), format));
      last = letter.getKey();
      letter = group.deadLetterAfter(last, youngest);
    }
    return page;
  }

  @Override
  public void close() {
    // Nothing to release: listing does not remove the letters.
  }
}
