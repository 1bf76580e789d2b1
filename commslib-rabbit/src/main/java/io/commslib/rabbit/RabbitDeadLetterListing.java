package io.commslib.rabbit;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.GetResponse;
import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.wire.DeadLetterHeaders;
import java.io.IOException;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Fetches the dead letters of a queue one by one, in the queue's order, without acknowledging them.
 * Unacknowledged letters stay at the broker, hidden from other consumers, and return to their
 * places in order when the listing is closed. Ends after the number of letters that were in the
 * queue at the first fetch, so that letters added meanwhile do not prolong it.
 *
 * <p>Several groups may share one queue of dead letters. A letter belongs to the destination and
 * group that its cause names; those of others are skipped and return when the channel is closed.
 */
final class RabbitDeadLetterListing implements DeadLetterListing {

  /** A dead letter that is not acknowledged yet. */
  record Fetched(long tag, ForeignRecord wire, DeadLetter letter) {}

  private static final Logger log = LoggerFactory.getLogger(RabbitDeadLetterListing.class);

  /** Half of the commands that a channel sends to a quorum queue before it holds others back. */
  private static final int RETURNED_AT_ONCE = 16;

  private static final int MAX_POLLS = 1_000;
  private static final long POLL_PAUSE_NANOS = 1_000_000;

  private final Channel channel;
  private final String queue;
  private final String source;
  private final String group;
  private final String boundName;
  private final MessageFormat format;
  private long remaining = -1;
  private @Nullable Fetched prefetched;

  /** The tags of the letters that were fetched and not deleted; a channel counts them from 1 on. */
  private final BitSet unacknowledged = new BitSet();

  RabbitDeadLetterListing(
      Channel channel,
      String queue,
      Destination source,
      String group,
      String boundName,
      MessageFormat format)
      throws IOException {
    this.channel = channel;
    this.queue = queue;
    this.source = source.toString();
    this.group = group;
    this.boundName = boundName;
    this.format = format;
    channel.queueDeclarePassive(queue);
  }

  @Override
  public List<DeadLetter> next(int limit) {
    Checks.inRange("limit", limit, 1, 100_000);
    List<DeadLetter> page = new ArrayList<>();
    long bytes = 0;
    while (page.size() < limit) {
      Fetched next = fetch();
      if (next == null) {
        break;
      }
      bytes += next.wire().sizeBytes();
      if (!page.isEmpty() && bytes > MAX_PAGE_BYTES) {
        prefetched = next;
        break;
      }
      page.add(next.letter());
    }
    return page;
  }

  /** {@return the next dead letter, or null at the end} */
  @Nullable Fetched fetch() {
    Fetched known = prefetched;
    if (known != null) {
      prefetched = null;
      return known;
    }
    while (remaining != 0) {
      Fetched next = fetchAny();
      if (next == null || isOwn(next.letter())) {
        return next;
      }
    }
    return null;
  }

  /**
   * {@return whether the cause names this group, or names none since a foreign program wrote it}
   */
  private boolean isOwn(DeadLetter letter) {
    return letter.cause().getOrDefault("source", source).equals(source)
        && letter.cause().getOrDefault("group", group).equals(group);
  }

  /** {@return the next letter of the queue, or null at the end} */
  private @Nullable Fetched fetchAny() {
    try {
      GetResponse got = channel.basicGet(queue, false);
      if (got == null) {
        remaining = 0;
        return null;
      }
      // The response to a get has the current count; that of a declaration may be seconds old.
      remaining = remaining < 0 ? got.getMessageCount() : remaining - 1;
      unacknowledged.set((int) got.getEnvelope().getDeliveryTag());
      ForeignRecord wire =
          RabbitRecords.wire(
              got.getProps(),
              got.getBody(),
              true,
              new RabbitRoute("", queue, boundName, true),
              null);
      return new Fetched(
          got.getEnvelope().getDeliveryTag(), wire, DeadLetterHeaders.read(wire, format));
    } catch (IOException | RuntimeException e) {
      throw RabbitErrors.operation("dead letters of " + queue, e);
    }
  }

  /**
   * Fails if the redrive exchange does not exist: a publish to it would close the channel of all
   * publishers.
   */
  void requireRedriveExchange(String exchange) {
    try {
      channel.exchangeDeclarePassive(exchange);
    } catch (IOException | RuntimeException e) {
      throw RabbitErrors.operation("redrive to " + queue, e);
    }
  }

  /** Deletes a dead letter. */
  void delete(Fetched letter) {
    try {
      channel.basicAck(letter.tag(), false);
      unacknowledged.clear((int) letter.tag());
    } catch (IOException | RuntimeException e) {
      throw RabbitErrors.operation("dead letters of " + queue, e);
    }
  }

  /** Returns all letters that were fetched and not deleted, in their order. */
  @Override
  public void close() {
    try {
      returnInOrder();
    } catch (IOException | RuntimeException e) {
      log.debug("the letters of {} return by the loss of their channel: {}", queue, e.toString());
    }
    RabbitTopology.closeQuietly(channel);
  }

  /**
   * Each fetch is a consumer of its own to a quorum queue, which takes the letters of a closed
   * channel back in any order. It keeps the order of a few that are returned at once, so they are
   * returned step by step, each after the queue has shown the one before.
   */
  private void returnInOrder() throws IOException {
    int left = unacknowledged.cardinality();
    if (left < 2) {
      return;
    }
    int ready = ready();
    int tag = 0;
    boolean waits = true;
    while (left > 0) {
      int step = Math.min(left, RETURNED_AT_ONCE);
      for (int i = 0; i < step; i++) {
        tag = unacknowledged.nextSetBit(tag + 1);
      }
      channel.basicNack(tag, true, true);
      left -= step;
      ready += step;
      // If others consume the queue, its count is not reached, and its order is not kept.
      waits = waits && left > 0 && awaitReady(ready);
    }
  }

  private boolean awaitReady(int expected) throws IOException {
    for (int i = 0; i < MAX_POLLS; i++) {
      if (ready() >= expected) {
        return true;
      }
      LockSupport.parkNanos(POLL_PAUSE_NANOS);
    }
    return false;
  }

  private int ready() throws IOException {
    return channel.queueDeclarePassive(queue).getMessageCount();
  }
}
