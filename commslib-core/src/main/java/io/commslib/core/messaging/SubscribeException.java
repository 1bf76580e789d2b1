package io.commslib.core.messaging;

import io.commslib.core.FailureKind;
import org.jspecify.annotations.Nullable;

/** A subscription or a declaration could not be made; nothing was started. */
public final class SubscribeException extends TransportException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates the failure.
   *
   * @param code stable identifier
   * @param kind meaning of the failure for a repetition
   * @param message destination, group and reason
   * @param cause the client's failure, or null
   */
  public SubscribeException(
      String code, FailureKind kind, String message, @Nullable Throwable cause) {
    super(code, kind, message, cause);
  }
}
