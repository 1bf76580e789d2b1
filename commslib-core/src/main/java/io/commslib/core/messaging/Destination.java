package io.commslib.core.messaging;

import io.commslib.core.checks.Checks;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * The destination of a message: a topic, where every subscription group gets each message, or a
 * queue, where one consumer gets each message. Immutable value.
 *
 * @param kind topic or queue
 * @param name 1 to 150 characters of {@code A-Za-z0-9._-}, not starting with a dot
 */
public record Destination(Kind kind, String name) {

  /** The two kinds of destination. */
  public enum Kind {
    /** Every subscription group gets each message. */
    TOPIC,
    /** One consumer gets each message; there is one group. */
    QUEUE
  }

  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-][A-Za-z0-9._-]{0,149}");

  /**
   * Creates a destination.
   *
   * @param kind topic or queue
   * @param name its name
   * @throws IllegalArgumentException if the name breaks the rule
   */
  public Destination {
    Objects.requireNonNull(kind, "kind");
    Checks.matches(
        "destination", name, NAME, "1..150 of A-Z a-z 0-9 . _ -, not starting with a dot");
  }

  /**
   * Returns a topic.
   *
   * @param name its name
   * @return the destination
   */
  public static Destination topic(String name) {
    return new Destination(Kind.TOPIC, name);
  }

  /**
   * Returns a queue.
   *
   * @param name its name
   * @return the destination
   */
  public static Destination queue(String name) {
    return new Destination(Kind.QUEUE, name);
  }

  /**
   * Reads the text form.
   *
   * @param text as from {@link #toString()}
   * @return the destination
   * @throws IllegalArgumentException if it is not {@code topic:NAME} or {@code queue:NAME}
   */
  public static Destination parse(String text) {
    if (text.startsWith("topic:")) {
      return topic(text.substring(6));
    }
    Checks.check(text.startsWith("queue:"), "destination", text, "topic:NAME or queue:NAME");
    return queue(text.substring(6));
  }

  /**
   * Returns the text form {@code topic:NAME} or {@code queue:NAME}. It is stored in outbox rows and
   * does not change between versions.
   *
   * @return the text form
   */
  @Override
  public String toString() {
    return (kind == Kind.TOPIC ? "topic:" : "queue:") + name;
  }
}
