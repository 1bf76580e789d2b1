package io.commslib.rabbit;

import com.rabbitmq.client.Channel;
import io.commslib.core.Failures;
import io.commslib.core.messaging.DeadLetter;
import io.commslib.core.messaging.DeadLetterListing;
import io.commslib.core.messaging.DeadLetters;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.wire.DeadLetterHeaders;
import java.io.IOException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Dead letters in a quorum queue per group. A redrive publishes to the group's queue through an
 * exchange of its own and waits for the confirm before it acknowledges the dead letter.
 */
final class RabbitDeadLetters implements DeadLetters {

  private final RabbitTransportConfig config;
  private final RecoveringConnection connection;
  private final Function<Destination, MessageFormat> formats;
  private final RabbitSender sender;

  RabbitDeadLetters(
      RabbitTransportConfig config,
      RecoveringConnection connection,
      Function<Destination, MessageFormat> formats,
      RabbitSender sender) {
    this.config = config;
    this.connection = connection;
    this.formats = formats;
    this.sender = sender;
  }

  /** Publishes a dead letter; the broker has confirmed it when the stage completes. */
  CompletionStage<PublishReceipt> add(Destination source, String group, ForeignRecord letter) {
    String id = DeadLetterHeaders.read(letter, formats.apply(source)).messageId();
    String queue = RabbitNames.deadLetters(source, group);
    return sender.send("", queue, false, source, id, RabbitRecords.deadLetter(letter, id));
  }

  @Override
  public DeadLetterListing open(Destination source, String group) {
    return listing(source, group);
  }

  private static String boundName(Destination source, String group) {
    return source.kind() == Destination.Kind.TOPIC
        ? RabbitNames.exchange(source)
        : RabbitNames.queue(source, group);
  }

  private RabbitDeadLetterListing listing(Destination source, String group) {
    String queue = RabbitNames.deadLetters(source, group);
    Channel channel = null;
    try {
      channel = connection.connect().createChannel();
      return new RabbitDeadLetterListing(
          channel, queue, boundName(source, group), formats.apply(source));
    } catch (IOException | RuntimeException e) {
      if (channel != null) {
        RabbitTopology.closeQuietly(channel);
      }
      throw RabbitErrors.operation("dead letters of " + queue, e);
    }
  }

  @Override
  public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
    String exchange = RabbitNames.redrive(source, group);
    try (RabbitDeadLetterListing letters = listing(source, group)) {
      letters.requireRedriveExchange(exchange);
      return apply(
          letters,
          select,
          letter -> {
            String id = letter.letter().messageId();
            OutgoingRecord back =
                RabbitRecords.redriven(DeadLetterHeaders.redriven(letter.wire()), id);
            await(sender.send(exchange, "", false, source, id, back));
          });
    }
  }

  @Override
  public int discard(Destination source, String group, Predicate<DeadLetter> select) {
    try (RabbitDeadLetterListing letters = listing(source, group)) {
      return apply(letters, select, letter -> {});
    }
  }

  private static int apply(
      RabbitDeadLetterListing letters,
      Predicate<DeadLetter> select,
      Consumer<RabbitDeadLetterListing.Fetched> action) {
    int count = 0;
    for (RabbitDeadLetterListing.Fetched letter = letters.fetch();
        letter != null;
        letter = letters.fetch()) {
      if (select.test(letter.letter())) {
        action.accept(letter);
        letters.delete(letter);
        count++;
      }
    }
    return count;
  }

  private void await(CompletionStage<PublishReceipt> stage) {
    try {
      stage
          .toCompletableFuture()
          .get(config.publishTimeout().toMillis() * 2, TimeUnit.MILLISECONDS);
    } catch (ExecutionException e) {
      throw RabbitErrors.operation("redrive", Failures.unwrapped(e));
    } catch (TimeoutException e) {
      throw RabbitErrors.operation("redrive", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw RabbitErrors.operation("redrive", e);
    }
  }
}
