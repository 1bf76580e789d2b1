package io.commslib.core.observe;

import io.commslib.core.CommsException;
import io.commslib.core.Failures;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Something an operator may have to know: what happened, where, to which message, and why. Never
 * holds a body. Immutable; made by the library's parts.
 */
public final class Trouble {

  /** The kinds of trouble. */
  public enum Kind {
    /** A message's first attempt failed and will be repeated. */
    ATTEMPT_FAILED(false),
    /** A message went to the dead letters. */
    DEAD_LETTERED(true),
    /** A message followed another one of its key to the dead letters, without being handled. */
    KEY_BLOCKED(true),
    /** An outbox row or a saga is parked until an operator decides. */
    PARKED(true),
    /** Handling or publishing pauses. */
    PAUSED(true),
    /** It goes on. */
    RESUMED(false),
    /** Something has not returned, or does not get on. */
    STALLED(true),
    /** A part of the library, or of the application's that it calls, has failed. */
    COMPONENT_FAILED(true);

    private final boolean warning;

    Kind(boolean warning) {
      this.warning = warning;
    }

    /**
     * Returns whether it needs attention.
     *
     * @return whether it is logged at WARN rather than INFO
     */
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
    this.component = builder.part;
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
   * Starts a description; for the library's parts.
   *
   * @param kind what happened
   * @param part the part it happened to, for example {@code kafka-orders-main}
   * @return new builder
   */
  public static Builder builder(Kind kind, String part) {
    return new Builder(kind, part);
  }

  /**
   * What happened.
   *
   * @return the kind
   */
  public Kind kind() {
    return kind;
  }

  /**
   * The part it happened to.
   *
   * @return for example {@code kafka-orders-main} or {@code outbox-relay}
   */
  public String component() {
    return component;
  }

  /**
   * The destination.
   *
   * @return its text form, or empty
   */
  public Optional<String> destination() {
    return optional(destination);
  }

  /**
   * The subscription group.
   *
   * @return the group, or empty
   */
  public Optional<String> group() {
    return optional(group);
  }

  /**
   * The message.
   *
   * @return its identity, its position if it could not be read, the id of a saga; or empty
   */
  public Optional<String> message() {
    return optional(message);
  }

  /**
   * The number of the attempt.
   *
   * @return 1 or more; 0 if there was none
   */
  public int attempt() {
    return attempt;
  }

  /**
   * The code of the failure.
   *
   * @return a code of {@code docs/errors.md}, or empty if the failure has none
   */
  public Optional<String> code() {
    return optional(code);
  }

  /**
   * What happened, in words.
   *
   * @return the reason; may be empty
   */
  public String text() {
    return text;
  }

  /**
   * Class and message of the failure.
   *
   * @return at most 1,000 characters, or empty
   */
  public Optional<String> cause() {
    return optional(cause);
  }

  private static Optional<String> optional(String value) {
    return value.isEmpty() ? Optional.empty() : Optional.of(value);
  }

  /** Returns one line for the log. */
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

  /** Collects the parts of a description. Not thread-safe. */
  public static final class Builder {
    private final Kind kind;
    private final String part;
    private String destination = "";
    private String group = "";
    private String message = "";
    private int attempt;
    private String text = "";
    private @Nullable Throwable failure;

    private Builder(Kind kind, String part) {
      this.kind = kind;
      this.part = part;
    }

    /**
     * Sets the destination.
     *
     * @param value its text form
     * @return this
     */
    public Builder destination(String value) {
      this.destination = value;
      return this;
    }

    /**
     * Sets the subscription group.
     *
     * @param value its name
     * @return this
     */
    public Builder group(String value) {
      this.group = value;
      return this;
    }

    /**
     * Sets the message.
     *
     * @param value its identity or position, or the id of a saga
     * @return this
     */
    public Builder message(String value) {
      this.message = value;
      return this;
    }

    /**
     * Sets the number of the attempt.
     *
     * @param value 0 or more
     * @return this
     */
    public Builder attempt(int value) {
      this.attempt = value;
      return this;
    }

    /**
     * Sets what happened, in words.
     *
     * @param value without content of messages
     * @return this
     */
    public Builder text(String value) {
      this.text = value;
      return this;
    }

    /**
     * Sets the failure.
     *
     * @param value any, or null
     * @return this
     */
    public Builder failure(@Nullable Throwable value) {
      this.failure = value;
      return this;
    }

    /**
     * Builds the description.
     *
     * @return immutable description
     */
    public Trouble build() {
      return new Trouble(this);
    }
  }
}
