package io.commslib.saga;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;
import org.jspecify.annotations.Nullable;

/**
 * A saga could not be started, continued or found. The message names the saga by type and id, never
 * its state.
 */
public class SagaException extends CommsException {

  private static final long serialVersionUID = 1L;

  /**
   * Creates a failure.
   *
   * @param code stable identifier
   * @param kind what the failure means for a repetition
   * @param message what failed
   * @param cause the underlying failure, or null
   */
  public SagaException(String code, FailureKind kind, String message, @Nullable Throwable cause) {
    super(code, kind, message, cause);
  }
}
