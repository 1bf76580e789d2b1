package io.commslib.core.messaging;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A message a group has given up on, with what is known of why. Immutable; made by the transport.
 */
public final class DeadLetter {

  private final String messageId;
  private final @Nullable Message message;
  private final Map<String, String> cause;

  /**
   * Creates a dead letter; for transports.
   *
   * @param messageId id of the message; if it has none, its position
   * @param message the message, or null if it could not be decoded
   * @param cause the fields of {@code DeadLetterHeaders}, without their prefix
   */
  public DeadLetter(String messageId, @Nullable Message message, Map<String, String> cause) {
    this.messageId = Objects.requireNonNull(messageId, "messageId");
    this.message = message;
    this.cause = Collections.unmodifiableMap(new LinkedHashMap<>(cause));
  }

  /**
   * Returns the id of the message.
   *
   * @return the id; the position of a message that has none
   */
  public String messageId() {
    return messageId;
  }

  /**
   * The identity of the message, which tells messages of different sources apart. Selections go by
   * it.
   *
   * @return as in {@link Message#identity()}; the position of a message that could not be decoded
   */
  public String identity() {
    return message == null ? messageId : message.identity();
  }

  /**
   * The ordering key, as a text that is equal only for equal keys: the key itself if it is a text
   * that {@link Message.Builder#key} takes.
   *
   * @return the key, or empty if the record had none
   */
  public Optional<String> key() {
    String key = cause.get("key");
    return key != null ? Optional.of(key) : message().flatMap(Message::key);
  }

  /**
   * Returns the message as it was received, ready to be published again.
   *
   * @return the message, or empty if it could not be decoded
   */
  public Optional<Message> message() {
    return Optional.ofNullable(message);
  }

  /**
   * Returns why it was given up: the code of a failure or the handler's reason.
   *
   * @return the reason
   */
  public String reason() {
    return field("reason");
  }

  /**
   * Returns how often it was attempted.
   *
   * @return 0 if it never reached the handler
   */
  public int attempts() {
    return number("attempts");
  }

  /**
   * Returns how often it had been redriven before.
   *
   * @return 0 or more
   */
  public int redriveCount() {
    return number("redrive-count");
  }

  /**
   * Returns a short text that is equal for failures of the same cause.
   *
   * @return the fingerprint
   */
  public String fingerprint() {
    return field("fingerprint");
  }

  /**
   * Returns when it was given up.
   *
   * @return the time; the epoch if unreadable
   */
  public Instant failedAt() {
    try {
      return Instant.parse(field("failed-at"));
    } catch (java.time.format.DateTimeParseException e) {
      return Instant.EPOCH;
    }
  }

  /**
   * Returns all that is known of the cause by field name, such as {@code source}, {@code group},
   * {@code position}, {@code first-cause}, {@code last-cause} and {@code stack}.
   *
   * @return unmodifiable
   */
  public Map<String, String> cause() {
    return cause;
  }

  private String field(String name) {
    return cause.getOrDefault(name, "");
  }

  private int number(String name) {
    try {
      return Math.max(0, Integer.parseInt(field(name)));
    } catch (NumberFormatException e) {
      return 0;
    }
  }

  @Override
  public String toString() {
    return "DeadLetter{id=" + messageId + ", reason=" + reason() + ", attempts=" + attempts() + "}";
  }
}
