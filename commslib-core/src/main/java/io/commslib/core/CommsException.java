package io.commslib.core;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Root of all failures that this library reports.
 *
 * <p>The text starts with the code and identifies what failed (destination, group, message id). It
 * never contains a payload or a credential. Outside this hierarchy are wrong arguments ({@link
 * IllegalArgumentException}), calls at the wrong moment ({@link IllegalStateException}) and null
 * arguments ({@link NullPointerException}).
 */
public abstract class CommsException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  /** The stable code. */
  private final String code;

  /** The meaning for the next step. */
  private final FailureKind kind;

  /**
   * Creates a failure.
   *
   * @param code stable identifier such as {@code COMMS-CORE-001}, listed in the docs
   * @param kind meaning of the failure for a repetition
   * @param message what failed, by identity
   * @param cause the underlying failure, unchanged; or null
   */
  protected CommsException(
      String code, FailureKind kind, String message, @Nullable Throwable cause) {
    super(Objects.requireNonNull(code, "code") + ": " + message, cause);
    this.code = code;
    this.kind = Objects.requireNonNull(kind, "kind");
  }

  /** {@return the stable identifier of this failure, for example {@code COMMS-CORE-001}} */
  public final String code() {
    return code;
  }

  /** {@return the meaning of this failure for a repetition} */
  public final FailureKind kind() {
    return kind;
  }
}
