package io.commslib.resilience;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A {@link Composer} has no result, or a {@link Part} has none. The text names the part and never
 * contains content of a call.
 */
public final class ComposerException extends CommsException {

  private static final long serialVersionUID = 1L;

  /** The name of the part, or null. */
  private final @Nullable String part;

  private ComposerException(
      String code,
      FailureKind kind,
      String text,
      @Nullable String part,
      @Nullable Throwable cause) {
    super(code, kind, text, cause);
    this.part = part;
  }

  static ComposerException of(Part<?> part, MissingPart missing) {
    Throwable cause = missing.failure().orElse(null);
    String text =
        reason(missing)
            + " ("
            + part.name()
            + ", "
            + (part.isRequired() ? "required" : "optional")
            + ", "
            + missing
            + ")";
    return new ComposerException(code(missing), kind(missing), text, part.name(), cause);
  }

  private static String code(MissingPart missing) {
    return switch (missing.reason()) {
      case FAILED -> "COMMS-CALL-010";
      case TIMED_OUT -> "COMMS-CALL-011";
      case CANCELLED -> "COMMS-CALL-013";
      case REFUSED -> "COMMS-CALL-014";
    };
  }

  private static FailureKind kind(MissingPart missing) {
    return switch (missing.reason()) {
      case FAILED -> Kinds.of(missing.failure().orElse(null));
      case TIMED_OUT -> missing.hasBegun() ? FailureKind.UNKNOWN_RESULT : FailureKind.TRANSIENT;
      case CANCELLED -> FailureKind.CANCELLED;
      case REFUSED -> FailureKind.TRANSIENT;
    };
  }

  private static String reason(MissingPart missing) {
    return switch (missing.reason()) {
      case FAILED -> "the part failed";
      case TIMED_OUT -> "the deadline has passed before the part ended";
      case CANCELLED -> "the part was cancelled";
      case REFUSED -> "the part had no thread";
    };
  }

  static ComposerException misuse(String text, @Nullable String part) {
    return new ComposerException("COMMS-CALL-012", FailureKind.PERMANENT, text, part, null);
  }

  static ComposerException cancelled(String text, @Nullable Throwable cause) {
    return new ComposerException("COMMS-CALL-013", FailureKind.CANCELLED, text, null, cause);
  }

  /**
   * {@return the name of the part that has no result, or empty if the composer as a whole ended}
   */
  public Optional<String> part() {
    return Optional.ofNullable(part);
  }
}
