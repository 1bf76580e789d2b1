package io.commslib.core.messaging;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** A message that a group has dead-lettered, with its cause. Immutable; made by the transport. */
public final class DeadLetter {

  private final String messageId;
  private final @Nullable Message message;
  private final Map<String, String> cause;

  /**
   * Creates a dead letter; for transports.
   *
   * @param messageId id of the message, or its position if it has none
   * @param message the message, or null if it could not be decoded
   * @param cause the fields of {@code DeadLetterHeaders}, without their prefix
   */
  public DeadLetter(String messageId, @Nullable Message message, Map<String, String> cause) {
    this.messageId = Objects.requireNonNull(messageId, "messageId");
    this.message = message;
    this.cause = Collections.unmodifiableMap(new LinkedHashMap<>(cause));
  }

  /** {@return the id of the message; its position if it has none} */
  public String messageId() {
    return messageId;
  }

  /**
   * Returns the identity of the message, which distinguishes messages of different sources.
   * Selections use it.
   *
   * @return as in {@link Message#identity()}; the position of a message that could not be decoded
   */
  public String identity() {
    return message == null ? messageId : message.identity();
  }

  /**
   * Returns the ordering key, as a text that is equal only for equal keys: the key itself if it is
   * a text that {@link Message.Builder#key} accepts.
   *
   * @return the key, or empty if the record had none
   */
  public Optional<String> key() {
    String key = cause.get("key");
    return key != null ? Optional.of(key) : message().flatMap(Message::key);
  }

  /** {@return the message as it was received, or empty if it could not be decoded} */
  public Optional<Message> message() {
    return Optional.ofNullable(message);
  }

  /** {@return the reason for dead-lettering: the code of a failure or the handler's text} */
  public String reason() {
    return field("reason");
  }

  /** {@return the number of the last attempt; 0 if the message never reached the handler} */
  public int attempts() {
    return number("attempts");
  }

  /** {@return the number of earlier redrives, 0 or more} */
  public int redriveCount() {
    return number("redrive-count");
  }

  /** {@return a short text that is equal for failures of the same cause} */
  public String fingerprint() {
    return field("fingerprint");
  }

  /** {@return the time at which it was dead-lettered; the epoch if unreadable} */
  public Instant failedAt() {
    try {
      return Instant.parse(field("failed-at"));
    } catch (java.time.format.DateTimeParseException e) {
      return Instant.EPOCH;
    }
  }

  /**
   * Returns all fields of the cause by name, such as {@code source}, {@code group}, {@code
   * position}, {@code first-cause}, {@code last-cause} and {@code stack}.
   *
   * @return the fields; unmodifiable
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
