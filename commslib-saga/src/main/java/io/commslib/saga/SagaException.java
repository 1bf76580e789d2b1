package io.commslib.saga;

import io.commslib.core.CommsException;
import io.commslib.core.FailureKind;

/**
 * A saga can't be defined, started or continued as asked.
 *
 * @since 0.1
 */
public final class SagaException extends CommsException {

  private static final long serialVersionUID = 1L;

  SagaException(String code, FailureKind kind, String message) {
    super(code, kind, message, null);
  }
}
