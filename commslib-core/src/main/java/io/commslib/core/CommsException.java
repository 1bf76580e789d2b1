package io.commslib.core;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Root of all failures this library reports.
 *
 * <p>The message starts with the code and names what failed by its identity (destination, group,
 * message id); it never holds a payload or a credential. Wrong arguments are {@link
 * IllegalArgumentException}, calls at the wrong moment {@link IllegalStateException}, null
 * arguments {@link NullPointerException}; those are outside this hierarchy.
 */
public abstract class CommsException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final String code;
  private final FailureKind kind;

  /**
   * Creates a failure.
   *
   * @param code stable identifier such as {@code COMMS-CORE-001}, listed in the docs
   * @param kind what the failure means for a repetition
   * @param message what failed, by identity
   * @param cause the failure underneath, kept as is
   */
  protected CommsException(
      String code, FailureKind kind, String message, @Nullable Throwable cause) {
    super(Objects.requireNonNull(code, "code") + ": " + message, cause);
    this.code = code;
    this.kind = Objects.requireNonNull(kind, "kind");
  }

  /**
   * Returns the stable identifier of this failure.
   *
   * @return the code, for example {@code COMMS-CORE-001}
   */
  public final String code() {
    return code;
  }

  /**
   * Returns what this failure means for a repetition.
   *
   * @return the kind
   */
  public final FailureKind kind() {
    return kind;
  }
}
