package io.commslib.core.engine;

import io.commslib.core.CodecException;
import io.commslib.core.FailureKind;
import io.commslib.core.Failures;
import io.commslib.core.SendCertainty;
import io.commslib.core.messaging.CallTrail;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.DestinationConfig;
import io.commslib.core.messaging.ForeignRecord;
import io.commslib.core.messaging.Message;
import io.commslib.core.messaging.MessageFormat;
import io.commslib.core.messaging.PublishException;
import io.commslib.core.messaging.SubscribeException;
import io.commslib.core.messaging.SubscriptionConfig;
import io.commslib.core.wire.DefaultSource;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The destinations that one transport has declared, and the checks that need no broker: it refuses
 * publishes and subscriptions to undeclared destinations, messages over the limit, and delayed
 * delivery, which the transport does not have. Thread-safe.
 */
public final class Declarations {

  /**
   * The transport's own error codes. Immutable value.
   *
   * @param undeclared a publish to a destination that was not declared
   * @param unknownSource a subscription to a destination that was not declared
   * @param tooLarge a body over the limit
   * @param delayed delayed delivery
   * @param wrongGroup a subscription of a group that is not the queue's
   */
  public record Codes(
      String undeclared, String unknownSource, String tooLarge, String delayed, String wrongGroup) {

    /**
     * Codes with the same one for publishes and subscriptions to undeclared destinations.
     *
     * @param undeclared a publish or subscription to a destination that was not declared
     * @param tooLarge a body over the limit
     * @param delayed delayed delivery
     * @param wrongGroup a subscription of a group that is not the queue's
     */
    public Codes(String undeclared, String tooLarge, String delayed, String wrongGroup) {
      this(undeclared, undeclared, tooLarge, delayed, wrongGroup);
    }
  }

  private static final Logger log = LoggerFactory.getLogger(Declarations.class);

  private final Codes codes;
  private final int maxMessageBytes;
  private final MessageFormat standard;
  private final DefaultSource source;
  private final Map<Destination, DestinationConfig> declared = new ConcurrentHashMap<>();

  /**
   * Creates an empty set.
   *
   * @param codes the transport's own codes
   * @param maxMessageBytes the largest body that the transport accepts
   * @param standard format of a destination without a format of its own
   * @param source source of messages that were built without one, for formats of destinations
   */
  public Declarations(
      Codes codes, int maxMessageBytes, MessageFormat standard, DefaultSource source) {
    this.codes = Objects.requireNonNull(codes, "codes");
    this.maxMessageBytes = maxMessageBytes;
    this.standard = Objects.requireNonNull(standard, "standard");
    this.source = Objects.requireNonNull(source, "source");
  }

  /**
   * Records a destination that now exists on the broker. Replaces an earlier declaration.
   *
   * @param config as it was declared
   */
  public void add(DestinationConfig config) {
    declared.put(config.destination(), config);
    config
        .format()
        .ifPresent(own -> log.info("{} has the format {}", config.destination(), name(own)));
  }

  /**
   * Returns the format of a destination.
   *
   * @param destination the destination
   * @return its own format, or that of the transport
   */
  public MessageFormat format(Destination destination) {
    DestinationConfig config = declared.get(destination);
    return config == null ? standard : config.format().orElse(standard);
  }

  /**
   * Writes a message in the format of its destination, with what it carries on from the caller's
   * context ({@link CallTrail}).
   *
   * @param to the destination of the publish
   * @param published the message
   * @return the record
   * @throws PublishException {@code NOT_SENT}, {@code PERMANENT}, if the format can't write the
   *     message: with the code of the format's {@link CodecException}, with the transport's code if
   *     the record's body is over the limit, or with {@code COMMS-CORE-026} if the format fails
   *     otherwise; the last is {@code TRANSIENT} if the failure is an outage
   */
  public ForeignRecord write(Destination to, Message published) {
    Message message = CallTrail.carriedOn(published);
    MessageFormat format = format(to);
    if (format == standard) {
      return standard.write(message);
    }
    ForeignRecord record;
    try {
      record =
          Objects.requireNonNull(
              format.write(source.withSource(message)), "the format returned null");
    } catch (CodecException e) {
      throw unwritten(to, message, e);
    } catch (Throwable e) {
      if (Failures.isJvmFailure(e)) {
        throw e;
      }
      throw unwritten(
          "COMMS-CORE-026",
          Failures.isOutage(e) ? FailureKind.TRANSIENT : FailureKind.PERMANENT,
          to,
          message,
          "the format " + name(format) + " failed to write the message: " + Failures.text(e),
          e);
    }
    if (record.bodyLength() > maxMessageBytes) {
      // Every reader with this limit would dead-letter it.
      throw unwritten(
          codes.tooLarge(),
          FailureKind.PERMANENT,
          to,
          message,
          tooLarge(record.bodyLength()) + " in the format " + format.name(),
          null);
    }
    return record;
  }

  /** The name of a format, whose code may fail. */
  private static String name(MessageFormat format) {
    try {
      return format.name();
    } catch (Throwable e) {
      if (Failures.isJvmFailure(e)) {
        throw e;
      }
      return format.getClass().getName();
    }
  }

  /**
   * Returns the failure of a publish whose record can't be written.
   *
   * @param to the destination of the publish
   * @param message the message
   * @param failure the reason
   * @return {@code NOT_SENT}, {@code PERMANENT}, with the code of the reason
   */
  public PublishException unwritten(Destination to, Message message, CodecException failure) {
    String text = String.valueOf(failure.getMessage());
    String code = failure.code() + ": ";
    return unwritten(
        failure.code(),
        FailureKind.PERMANENT,
        to,
        message,
        text.startsWith(code) ? text.substring(code.length()) : text,
        failure);
  }

  private static PublishException unwritten(
      String code,
      FailureKind kind,
      Destination to,
      Message message,
      String text,
      @Nullable Throwable cause) {
    return new PublishException(code, kind, SendCertainty.NOT_SENT, to, message.id(), text, cause);
  }

  private String tooLarge(int size) {
    return "message bytes: "
        + size
        + " (expected: 0.."
        + maxMessageBytes
        + ", maxMessageBytes of the transport)";
  }

  /**
   * Returns the declaration of a destination.
   *
   * @param destination the destination
   * @return its configuration, or empty
   */
  public Optional<DestinationConfig> find(Destination destination) {
    return Optional.ofNullable(declared.get(destination));
  }

  /**
   * Returns the reason why a message can't be published, as far as it is known without the broker.
   *
   * @param to the destination of the publish
   * @param message the message
   * @return a failure with certainty {@code NOT_SENT}, or empty: of kind {@code TRANSIENT} if the
   *     destination was not declared here, which says nothing about the message, else {@code
   *     PERMANENT}
   */
  public Optional<PublishException> refusal(Destination to, Message message) {
    if (!declared.containsKey(to)) {
      return refused(codes.undeclared(), FailureKind.TRANSIENT, to, message, undeclared(to));
    }
    if (message.deliverAt().isPresent()) {
      return refused(codes.delayed(), FailureKind.PERMANENT, to, message, delayed(message));
    }
    Optional<String> violation = message.violation();
    if (violation.isPresent()) {
      String text = "message as it was received: " + violation.get();
      return refused("COMMS-CORE-028", FailureKind.PERMANENT, to, message, text);
    }
    int size = message.bodyLength();
    return size <= maxMessageBytes
        ? Optional.empty()
        : refused(codes.tooLarge(), FailureKind.PERMANENT, to, message, tooLarge(size));
  }

  private static String undeclared(Destination destination) {
    return "destination: "
        + destination
        + " (expected: one that this transport has declared, by declare)";
  }

  private static String delayed(Message message) {
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
   * Returns the declaration of a destination that a subscription or an operator reads from.
   *
   * @param source the destination
   * @return its configuration
   * @throws SubscribeException {@code PERMANENT} if it was not declared
   */
  public DestinationConfig require(Destination source) {
    DestinationConfig config = declared.get(source);
    if (config == null) {
      throw new SubscribeException(
          codes.unknownSource(), FailureKind.PERMANENT, undeclared(source), null);
    }
    return config;
  }

  /**
   * Returns the declaration that a subscription refers to.
   *
   * @param subscription the subscription's configuration
   * @return the configuration of its destination
   * @throws SubscribeException {@code PERMANENT} if the destination was not declared, or if the
   *     group is not the queue's
   */
  public DestinationConfig require(SubscriptionConfig subscription) {
    Destination source = subscription.destination();
    DestinationConfig config = require(source);
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
