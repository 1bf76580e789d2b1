package io.commslib.core.observe;

import io.commslib.core.CommsException;
import io.commslib.core.Failures;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * An event that may require an operator: its kind, component, message and cause. It never contains
 * a body. Immutable; made by the library's components.
 */
public final class Trouble {

  /** The kinds of trouble. */
  public enum Kind {
    /** The first attempt of a message failed and will be repeated. */
    ATTEMPT_FAILED(false),
    /** A message was dead-lettered. */
    DEAD_LETTERED(true),
    /** A message of a blocked key was dead-lettered without being handled. */
    KEY_BLOCKED(true),
    /** An outbox row or a saga is parked until an operator decides. */
    PARKED(true),
    /** Handling or publishing is paused. */
    PAUSED(true),
    /** Handling or publishing continues after a pause. */
    RESUMED(false),
    /** A call has not returned, or a loop makes no progress. */
    STALLED(true),
    /** A component of the library, or application code that it calls, has failed. */
    COMPONENT_FAILED(true);

    private final boolean warning;

    Kind(boolean warning) {
      this.warning = warning;
    }

    /** {@return whether it is logged at WARN rather than INFO} */
    public boolean isWarning() {
      return warning;
    }
  }

  private final Kind kind;
  private final String component;
  private final String destination;
  private final String group;
  private final String message;
  private final int attempt;
  private final String code;
  private final String text;
  private final String cause;

  private Trouble(Builder builder) {
    this.kind = builder.kind;
    this.component = builder.component;
    this.destination = builder.destination;
    this.group = builder.group;
    this.message = builder.message;
    this.attempt = builder.attempt;
    this.text = builder.text;
    Throwable failure = builder.failure;
    this.code = Failures.known(failure).map(CommsException::code).orElse("");
    this.cause = failure == null ? "" : Failures.text(failure);
  }

  /**
   * Starts a description; for the library's components.
   *
   * @param kind kind of the event
   * @param component name of the component, for example {@code kafka-orders-main}
   * @return new builder
   */
  public static Builder builder(Kind kind, String component) {
    return new Builder(kind, component);
  }

  /** {@return the kind of the event} */
  public Kind kind() {
    return kind;
  }

  /** {@return the component, for example {@code kafka-orders-main} or {@code outbox-relay}} */
  public String component() {
    return component;
  }

  /** {@return the text form of the destination, or empty} */
  public Optional<String> destination() {
    return optional(destination);
  }

  /** {@return the subscription group, or empty} */
  public Optional<String> group() {
    return optional(group);
  }

  /**
   * {@return the identity of the message, its position if it could not be read, or the id of the
   * saga; or empty}
   */
  public Optional<String> message() {
    return optional(message);
  }

  /** {@return the number of the attempt, 1 or more; 0 if there was none} */
  public int attempt() {
    return attempt;
  }

  /** {@return the code of the failure as in {@code docs/errors.md}, or empty if it has none} */
  public Optional<String> code() {
    return optional(code);
  }

  /** {@return the description of the event; may be empty} */
  public String text() {
    return text;
  }

  /** {@return class and message of the failure, at most 1,000 characters; or empty} */
  public Optional<String> cause() {
    return optional(cause);
  }

  private static Optional<String> optional(String value) {
    return value.isEmpty() ? Optional.empty() : Optional.of(value);
  }

  /** {@return one line for the log} */
  @Override
  public String toString() {
    StringBuilder line = new StringBuilder(component).append(' ').append(kind);
    append(line, " ", destination);
    append(line, " group ", group);
    append(line, " message ", message);
    append(line, " attempt ", attempt == 0 ? "" : Integer.toString(attempt));
    append(line, ": ", text);
    // The text of a coded failure begins with its code.
    append(line, ", ", cause);
    return line.toString().replaceAll("\\p{Cntrl}", " ");
  }

  private static void append(StringBuilder line, String before, String value) {
    if (!value.isEmpty()) {
      line.append(before).append(value);
    }
  }

  /** Collects the values of a description. Not thread-safe. */
  public static final class Builder {
    private final Kind kind;
    private final String component;
    private String destination = "";
    private String group = "";
    private String message = "";
    private int attempt;
    private String text = "";
    private @Nullable Throwable failure;

    private Builder(Kind kind, String component) {
      this.kind = kind;
      this.component = component;
    }

    /**
     * Sets the destination.
     *
     * @param value its text form; default none
     * @return this
     */
    public Builder destination(String value) {
      this.destination = value;
      return this;
    }

    /**
     * Sets the subscription group.
     *
     * @param value its name; default none
     * @return this
     */
    public Builder group(String value) {
      this.group = value;
      return this;
    }

    /**
     * Sets the message.
     *
     * @param value its identity or position, or the id of a saga; default none
     * @return this
     */
    public Builder message(String value) {
      this.message = value;
      return this;
    }

    /**
     * Sets the number of the attempt.
     *
     * @param value 0 or more; default 0, which means none
     * @return this
     */
    public Builder attempt(int value) {
      this.attempt = value;
      return this;
    }

    /**
     * Sets the description of the event.
     *
     * @param value text without content of messages; default empty
     * @return this
     */
    public Builder text(String value) {
      this.text = value;
      return this;
    }

    /**
     * Sets the failure.
     *
     * @param value the failure, or null; default none
     * @return this
     */
    public Builder failure(@Nullable Throwable value) {
      this.failure = value;
      return this;
    }

    /** {@return a new immutable description} */
    public Trouble build() {
      return new Trouble(this);
    }
  }
}
