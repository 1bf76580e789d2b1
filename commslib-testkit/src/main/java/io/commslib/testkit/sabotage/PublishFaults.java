package io.commslib.testkit.sabotage;

import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageTransport;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.PublishReceipt;
import io.commslib.core.messaging.Publisher;
import java.util.Arrays;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;

/** Faults of publishing. */
final class PublishFaults {

  private PublishFaults() {}

  static MessageTransport with(MessageTransport healthy, UnaryOperator<Publisher> fault) {
    Publisher publisher = fault.apply(healthy.publisher());
    return new ForwardingTransport(healthy) {
      @Override
      public Publisher publisher() {
        return publisher;
      }
    };
  }

  /** Changes each message before it is published. */
  static MessageTransport changing(MessageTransport healthy, UnaryOperator<Message> change) {
    return with(
        healthy, publisher -> (to, message) -> publisher.publish(to, change.apply(message)));
  }

  private static CompletionStage<PublishReceipt> confirmed(Destination to, Message message) {
    return CompletableFuture.completedStage(new PublishReceipt(message.id(), to, ""));
  }

  static MessageTransport misnamesReceipts(MessageTransport healthy) {
    return with(
        healthy,
        publisher ->
            (to, message) ->
                publisher
                    .publish(to, message)
                    .thenApply(receipt -> new PublishReceipt("other", to, receipt.position())));
  }

  static MessageTransport loses(MessageTransport healthy) {
    return with(healthy, publisher -> PublishFaults::confirmed);
  }

  static MessageTransport losesSome(MessageTransport healthy) {
    AtomicInteger published = new AtomicInteger();
    return with(
        healthy,
        publisher ->
            (to, message) ->
                published.incrementAndGet() % 50 == 0
                    ? confirmed(to, message)
                    : publisher.publish(to, message));
  }

  static MessageTransport confirmsFailures(MessageTransport healthy) {
    return with(
        healthy,
        publisher ->
            (to, message) ->
                publisher
                    .publish(to, message)
                    .exceptionally(failure -> new PublishReceipt(message.id(), to, "")));
  }

  static MessageTransport hidesCertainty(MessageTransport healthy) {
    return with(
        healthy,
        publisher ->
            (to, message) ->
                publisher
                    .publish(to, message)
                    .exceptionally(
                        failure -> {
                          throw new CompletionException(uncertain((PublishException) failure));
                        }));
  }

  private static PublishException uncertain(PublishException known) {
    return new PublishException(
        known.code(),
        known.kind(),
        SendCertainty.MAYBE_SENT,
        known.destination(),
        known.messageId(),
        "result unknown",
        known);
  }

  static MessageTransport removesDuplicates(MessageTransport healthy) {
    Set<String> ids = ConcurrentHashMap.newKeySet();
    return with(
        healthy,
        publisher ->
            (to, message) ->
                ids.add(message.id()) ? publisher.publish(to, message) : confirmed(to, message));
  }

  static MessageTransport duplicates(MessageTransport healthy) {
    return with(
        healthy,
        publisher ->
            (to, message) -> {
              CompletionStage<PublishReceipt> first = publisher.publish(to, message);
              return publisher.publish(to, message).thenCombine(first, (again, one) -> one);
            });
  }

  /** Publishes the third message of each key after the fourth. */
  static MessageTransport swapsMessagesOfAKey(MessageTransport healthy) {
    Map<String, Integer> published = new ConcurrentHashMap<>();
    Map<String, Message> held = new ConcurrentHashMap<>();
    return with(
        healthy,
        publisher ->
            (to, message) -> {
              String key = message.key().orElse("");
              int number = published.merge(key, 1, Integer::sum);
              if (number == 3) {
                held.put(key, message);
                return confirmed(to, message);
              }
              CompletionStage<PublishReceipt> receipt = publisher.publish(to, message);
              Message late = held.remove(key);
              return late == null
                  ? receipt
                  : publisher.publish(to, late).thenCombine(receipt, (second, first) -> first);
            });
  }

  static MessageTransport inventsKeys(MessageTransport healthy) {
    return changing(
        healthy,
        message ->
            message.key().isPresent() ? message : message.toBuilder().key("invented").build());
  }

  static MessageTransport padsEmptyBodies(MessageTransport healthy) {
    return changing(
        healthy,
        message ->
            message.sharedBody().length > 0
                ? message
                : message.toBuilder().body(new byte[] {0}).build());
  }

  static MessageTransport truncatesBodies(MessageTransport healthy) {
    return changing(
        healthy,
        message ->
            message.toBuilder()
                .body(
                    Arrays.copyOf(
                        message.sharedBody(), Math.min(message.sharedBody().length, 65_536)))
                .build());
  }

  static MessageTransport forgetsOptional(MessageTransport healthy) {
    return new ForwardingTransport(healthy) {
      @Override
      public void declare(DestinationConfig config) {
        DestinationConfig.Builder copy =
            DestinationConfig.builder(config.destination()).partitions(config.partitions());
        config.groups().forEach(copy::group);
        healthy.declare(config.isOptional() ? copy.build() : config);
      }
    };
  }

  /** Copies a message without some of its parts. */
  static MessageTransport stripping(MessageTransport healthy, Set<String> parts) {
    return changing(healthy, message -> without(message, parts));
  }

  private static Message without(Message message, Set<String> parts) {
    Message.Builder copy =
        Message.builder(message.type())
            .id(message.id())
            .version(message.version())
            .contentType(message.contentType())
            .sharedBody(message.sharedBody());
    if (!parts.contains("source")) {
      copy.source(message.source());
    }
    if (!parts.contains("idempotencyKey")) {
      message.idempotencyKey().ifPresent(copy::idempotencyKey);
    }
    message.time().ifPresent(copy::time);
    message.correlationId().ifPresent(copy::correlationId);
    message.causationId().ifPresent(copy::causationId);
    if (!parts.contains("traceparent")) {
      message.traceparent().ifPresent(copy::traceparent);
    }
    if (!parts.contains("key")) {
      message.key().ifPresent(copy::key);
    }
    if (!parts.contains("subject")) {
      message.subject().ifPresent(copy::subject);
    }
    if (!parts.contains("expiry")) {
      message.expiry().ifPresent(copy::expiry);
    }
    if (!parts.contains("deliverAt")) {
      message.deliverAt().ifPresent(copy::deliverAt);
    }
    if (!parts.contains("headers")) {
      message.headers().forEach(copy::header);
    }
    return copy.build();
  }
}
