package io.commslib.rabbit;

import com.rabbitmq.client.Channel;
import com.rabbitmq.client.GetResponse;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.spi.Checks;
import io.commslib.core.spi.CloudEventsEnvelope;
import io.commslib.core.spi.DeadLetterHeaders;
import io.commslib.core.spi.WireMessage;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Predicate;

/**
 * Dead letters in a quorum queue per group. Listing takes them without acknowledging and lets go of
 * the channel: the broker puts them back. Redriving publishes to the group's queue, confirmed,
 * before the dead letter is acknowledged.
 */
final class RabbitDeadLetters implements DeadLetters {

  private static final int MAX_LOOK = 100_000;

  private record Entry(long tag, WireMessage wire, DeadLetter letter) {}

  private interface Work {
    int run(Channel channel, List<Entry> entries) throws IOException;
  }

  private final RabbitTransportConfig config;
  private final RecoveringConnection connection;
  private final CloudEventsEnvelope envelope;
  private final RabbitSender sender;

  RabbitDeadLetters(
      RabbitTransportConfig config,
      RecoveringConnection connection,
      CloudEventsEnvelope envelope,
      RabbitSender sender) {
    this.config = config;
    this.connection = connection;
    this.envelope = envelope;
    this.sender = sender;
  }

  /** Publishes one; confirmed when the stage completes. */
  CompletionStage<PublishReceipt> add(Destination source, String group, WireMessage letter) {
    String id = DeadLetterHeaders.read(letter, envelope).messageId();
    return sender.send("", RabbitNames.deadLetters(source, group), false, source, id, letter);
  }

  @Override
  public List<DeadLetter> list(Destination source, String group, int limit) {
    Checks.inRange("limit", limit, 1, MAX_LOOK);
    List<DeadLetter> letters = new ArrayList<>();
    withEntries(
        source,
        group,
        limit,
        (channel, entries) -> {
          entries.forEach(entry -> letters.add(entry.letter()));
          return entries.size();
        });
    return letters;
  }

  @Override
  public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
    return withEntries(
        source,
        group,
        MAX_LOOK,
        (channel, entries) -> {
          int count = 0;
          for (Entry entry : entries) {
            if (select.test(entry.letter())) {
              WireMessage back = DeadLetterHeaders.redriven(entry.wire());
              String queue = RabbitNames.queue(source, group);
              await(sender.send("", queue, false, source, entry.letter().messageId(), back));
              channel.basicAck(entry.tag(), false);
              count++;
            }
          }
          return count;
        });
  }

  @Override
  public int discard(Destination source, String group, Predicate<DeadLetter> select) {
    return withEntries(
        source,
        group,
        MAX_LOOK,
        (channel, entries) -> {
          int count = 0;
          for (Entry entry : entries) {
            if (select.test(entry.letter())) {
              channel.basicAck(entry.tag(), false);
              count++;
            }
          }
          return count;
        });
  }

  private void await(CompletionStage<PublishReceipt> stage) {
    try {
      stage
          .toCompletableFuture()
          .get(config.publishTimeout().toMillis() * 2, TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw RabbitErrors.operation("redrive", e.getCause() == null ? e : e.getCause());
    } catch (TimeoutException e) {
      throw RabbitErrors.operation("redrive", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw RabbitErrors.operation("redrive", e);
    }
  }

  private int withEntries(Destination source, String group, int limit, Work work) {
    String queue = RabbitNames.deadLetters(source, group);
    try {
      Channel channel = connection.connect().createChannel();
      try {
        List<Entry> entries = new ArrayList<>();
        for (GetResponse got = channel.basicGet(queue, false);
            got != null;
            got = channel.basicGet(queue, false)) {
          entries.add(entry(got));
          if (entries.size() == limit) {
            break;
          }
        }
        // Putting back does not keep the queue's order, so the time of failure does.
        entries.sort(Comparator.comparing(entry -> entry.letter().failedAt()));
        return work.run(channel, entries);
      } finally {
        RabbitTopology.closeQuietly(channel);
      }
    } catch (IOException e) {
      throw RabbitErrors.operation("dead letters of " + queue, e);
    }
  }

  private Entry entry(GetResponse got) {
    WireMessage wire =
        RabbitDelivery.wire(
            got.getProps().getHeaders(), got.getProps().getContentType(), got.getBody());
    return new Entry(
        got.getEnvelope().getDeliveryTag(), wire, DeadLetterHeaders.read(wire, envelope));
  }
}
