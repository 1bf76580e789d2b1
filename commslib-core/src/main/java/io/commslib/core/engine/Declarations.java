package io.commslib.core.engine;

import io.commslib.core.FailureKind;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.SubscriptionConfig;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What one transport knows to exist, and what it refuses before asking its broker: publishes and
 * subscriptions to what was not declared, messages over the limit, delayed delivery it does not
 * have. Thread-safe.
 */
public final class Declarations {

  /**
   * The transport's own error codes. Immutable value.
   *
   * @param undeclared destination was not declared
   * @param tooLarge body over the limit
   * @param delayed delayed delivery it does not have
   * @param wrongGroup not the group of the queue
   */
  public record Codes(String undeclared, String tooLarge, String delayed, String wrongGroup) {}

  private final Codes codes;
  private final int maxMessageBytes;
  private final Map<Destination, DestinationConfig> declared = new ConcurrentHashMap<>();

  /**
   * Creates an empty set.
   *
   * @param codes the transport's own
   * @param maxMessageBytes largest body the transport takes
   */
  public Declarations(Codes codes, int maxMessageBytes) {
    this.codes = Objects.requireNonNull(codes, "codes");
    this.maxMessageBytes = maxMessageBytes;
  }

  /**
   * Remembers a destination that now exists on the broker.
   *
   * @param config as it was declared
   */
  public void add(DestinationConfig config) {
    declared.put(config.destination(), config);
  }

  /**
   * Returns how a destination was declared.
   *
   * @param destination which one
   * @return its configuration, or empty
   */
  public Optional<DestinationConfig> find(Destination destination) {
    return Optional.ofNullable(declared.get(destination));
  }

  /**
   * Returns why a message can't be published, as far as that is known without the broker.
   *
   * @param to where it should go
   * @param message what should be published
   * @return a failure with certainty {@code NOT_SENT}, or empty: of kind {@code TRANSIENT} if the
   *     destination was not declared here, which says nothing of the message, else {@code
   *     PERMANENT}
   */
  public Optional<PublishException> refusal(Destination to, Message message) {
    if (!declared.containsKey(to)) {
      return refused(codes.undeclared(), FailureKind.TRANSIENT, to, message, undeclared(to));
    }
    if (message.deliverAt().isPresent()) {
      return refused(codes.delayed(), FailureKind.PERMANENT, to, message, delayed(message));
    }
    int size = message.bodyLength();
    return size <= maxMessageBytes
        ? Optional.empty()
        : refused(
            codes.tooLarge(),
            FailureKind.PERMANENT,
            to,
            message,
            "message bytes: "
                + size
                + " (expected: 0.."
                + maxMessageBytes
                + ", maxMessageBytes of the transport)");
  }

  /**
   * Returns the text about a destination that was not declared.
   *
   * @param destination which one
   * @return value and rule
   */
  public static String undeclared(Destination destination) {
    return "destination: "
        + destination
        + " (expected: one that this transport has declared, by declare)";
  }

  /**
   * Returns the text about a message with a time of delivery.
   *
   * @param message which one; it has a time
   * @return value and rule
   */
  public static String delayed(Message message) {
    return "deliverAt: "
        + message.deliverAt().orElseThrow()
        + " (expected: none, as this transport has no DELAYED_DELIVERY; the outbox has)";
  }

  private Optional<PublishException> refused(
      String code, FailureKind kind, Destination to, Message message, String text) {
    return Optional.of(
        new PublishException(code, kind, SendCertainty.NOT_SENT, to, message.id(), text, null));
  }

  /**
   * Returns the declaration a subscription refers to.
   *
   * @param subscription what is asked for
   * @return how its destination was declared
   * @throws SubscribeException {@code PERMANENT} if it was not declared, or the group is not the
   *     queue's
   */
  public DestinationConfig require(SubscriptionConfig subscription) {
    Destination source = subscription.destination();
    DestinationConfig config = declared.get(source);
    if (config == null) {
      throw new SubscribeException(
          codes.undeclared(), FailureKind.PERMANENT, undeclared(source), null);
    }
    if (source.kind() == Destination.Kind.QUEUE
        && !config.groups().contains(subscription.group())) {
      throw new SubscribeException(
          codes.wrongGroup(),
          FailureKind.PERMANENT,
          "group: "
              + subscription.group()
              + " (expected: "
              + config.groups()
              + ", the group of "
              + source
              + ")",
          null);
    }
    return config;
  }
}
