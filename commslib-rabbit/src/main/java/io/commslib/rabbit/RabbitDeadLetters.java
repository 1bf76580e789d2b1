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
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.Predicate;

/**
 * Dead letters in a queue per group, by default a quorum queue. A redrive publishes to the group's
 * queue through an exchange of its own and waits for the confirm before it acknowledges the dead
 * letter.
 */
final class RabbitDeadLetters implements DeadLetters {

  private final RabbitTransportConfig config;
  private final RabbitBindings bindings;
  private final RecoveringConnection connection;
  private final Function<Destination, MessageFormat> formats;
  private final RabbitSender sender;

  RabbitDeadLetters(
      RabbitTransportConfig config,
      RabbitBindings bindings,
      RecoveringConnection connection,
      Function<Destination, MessageFormat> formats,
      RabbitSender sender) {
    this.config = config;
    this.bindings = bindings;
    this.connection = connection;
    this.formats = formats;
    this.sender = sender;
  }

  /** Publishes a dead letter; the broker has confirmed it when the stage completes. */
  CompletionStage<PublishReceipt> add(PublishTarget target, ForeignRecord letter) {
    String id = DeadLetterHeaders.read(letter, formats.apply(target.destination())).messageId();
    return sender.send(target, id, RabbitRecords.deadLetter(letter, id));
  }

  @Override
  public DeadLetterListing open(Destination source, String group) {
    QueueBinding binding = bindings.queue(source, group);
    return binding.hasNoDeadLetters ? new NoDeadLetters() : listing(source, group, binding);
  }

  private RabbitDeadLetterListing listing(Destination source, String group, QueueBinding binding) {
    String queue =
        binding
            .deadLetters()
            .orElseThrow(
                () ->
                    RabbitErrors.missingTarget(
                        "dead letters of group " + group + " of " + source, "deadLetterQueue"));
    Channel channel = null;
    try {
      channel = connection.connect().createChannel();
      return new RabbitDeadLetterListing(
          channel,
          queue,
          source,
          group,
          bindings.boundName(source, binding),
          formats.apply(source));
    } catch (IOException | RuntimeException e) {
      if (channel != null) {
        RabbitTopology.closeQuietly(channel);
      }
      throw RabbitErrors.operation("dead letters of " + queue, e);
    }
  }

  @Override
  public int redrive(Destination source, String group, Predicate<DeadLetter> select) {
    QueueBinding binding = bindings.queue(source, group);
    if (binding.hasNoDeadLetters) {
      return 0;
    }
    String exchange =
        binding
            .redrive()
            .orElseThrow(
                () ->
                    RabbitErrors.missingTarget(
                        "redrive to group " + group + " of " + source, "redriveExchange"));
    PublishTarget target = new PublishTarget(exchange, "", false, source);
    try (RabbitDeadLetterListing letters = listing(source, group, binding)) {
      letters.requireRedriveExchange(exchange);
      connectToPublish();
      return apply(
          letters,
          select,
          letter -> {
            String id = letter.letter().messageId();
            OutgoingRecord back =
                RabbitRecords.redriven(DeadLetterHeaders.redriven(letter.wire()), id);
            await(sender.send(target, id, back));
          });
    }
  }

  /** A transport that only redrives has declared nothing, and so may not be connected yet. */
  private void connectToPublish() {
    try {
      sender.connect();
    } catch (IOException | RuntimeException e) {
      throw RabbitErrors.operation("redrive", e);
    }
  }

  @Override
  public int discard(Destination source, String group, Predicate<DeadLetter> select) {
    QueueBinding binding = bindings.queue(source, group);
    if (binding.hasNoDeadLetters) {
      return 0;
    }
    try (RabbitDeadLetterListing letters = listing(source, group, binding)) {
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

  /** The listing of a group that has no dead letters. */
  private static final class NoDeadLetters implements DeadLetterListing {
    @Override
    public List<DeadLetter> next(int limit) {
      return List.of();
    }

    @Override
    public void close() {}
  }
}
