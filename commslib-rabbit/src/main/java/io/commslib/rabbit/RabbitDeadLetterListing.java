package io.commslib.rabbit;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.GetResponse;
import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.wire.CloudEventsEnvelope;
import io.commslib.core.wire.DeadLetterHeaders;
import io.commslib.core.wire.WireMessage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Takes the letters of a queue one by one, in the queue's order, without acknowledging them. Those
 * that are not acknowledged wait at the broker, unseen by others, and go back to their places, in
 * their order, when the channel is closed. Ends after as many letters as the queue held when the
 * first was taken, so that letters added meanwhile do not keep it going.
 */
final class RabbitDeadLetterListing implements DeadLetterListing {

  /** A letter that waits for its acknowledgement. */
  record Fetched(long tag, WireMessage wire, DeadLetter letter) {}

  private final Channel channel;
  private final String queue;
  private final CloudEventsEnvelope envelope;
  private long remaining = -1;
  private @Nullable Fetched prefetched;

  RabbitDeadLetterListing(Channel channel, String queue, CloudEventsEnvelope envelope) throws IOException {
    this.channel = channel;
    this.queue = queue;
    this.envelope = envelope;
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

  /** The next letter, or null at the end. */
  @Nullable Fetched fetch() {
    Fetched known = prefetched;
    if (known != null) {
      prefetched = null;
      return known;
    }
    if (remaining == 0) {
      return null;
    }
    try {
      GetResponse got = channel.basicGet(queue, false);
      if (got == null) {
        remaining = 0;
        return null;
      }
      // The answer to a get says how many are left; what a declaration says may be seconds old.
      remaining = remaining < 0 ? got.getMessageCount() : remaining - 1;
      WireMessage wire = RabbitRecords.wire(got.getProps(), got.getBody(), true);
      return new Fetched(
          got.getEnvelope().getDeliveryTag(), wire, DeadLetterHeaders.read(wire, envelope));
    } catch (IOException | RuntimeException e) {
      throw RabbitErrors.operation("dead letters of " + queue, e);
    }
  }

  /**
   * Fails unless letters can go back: without their exchange the publish would end the channel of
   * all publishers.
   */
  void requireRedriveExchange(String exchange) {
    try {
      channel.exchangeDeclarePassive(exchange);
    } catch (IOException | RuntimeException e) {
      throw RabbitErrors.operation("redrive to " + queue, e);
    }
  }

  /** Removes a letter for good. */
  void delete(Fetched letter) {
    try {
      channel.basicAck(letter.tag(), false);
    } catch (IOException | RuntimeException e) {
      throw RabbitErrors.operation("dead letters of " + queue, e);
    }
  }

  @Override
  public void close() {
    RabbitTopology.closeQuietly(channel);
  }
}
