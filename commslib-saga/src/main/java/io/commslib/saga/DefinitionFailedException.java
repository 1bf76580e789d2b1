package io.commslib.saga;

import io.commslib.core.Failures;

/**
 * A function of the definition, the codec or the type registry failed while a transition was
 * prepared; nothing was written. Carries any {@link Throwable}, since functions written in other
 * languages throw checked exceptions that they do not declare.
 */
final class DefinitionFailedException extends RuntimeException {

  private static final long serialVersionUID = 1L;

  private final transient Throwable failure;

  DefinitionFailedException(Throwable failure) {
    super(Failures.text(failure), failure);
    this.failure = failure;
  }

  Throwable failure() {
    return failure;
  }

  /** Returns the failure if it is an exception; throws it if it is an error. */
  Exception asException() {
    if (failure instanceof Exception exception) {
      return exception;
    }
    if (failure instanceof Error error) {
      throw error;
    }
    return this;
  }
}
