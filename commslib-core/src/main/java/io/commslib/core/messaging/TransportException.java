package io.commslib.core.messaging;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import org.jspecify.annotations.Nullable;

/** A message transport or its broker failed or refused. */
public class TransportException extends CommsException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates a transport failure.
   *
   * @param code stable identifier
   * @param kind meaning of the failure for a repetition
   * @param message what failed, by identity
   * @param cause the client's failure, or null
   */
  public TransportException(
      String code, FailureKind kind, String message, @Nullable Throwable cause) {
    super(code, kind, message, cause);
  }
}
