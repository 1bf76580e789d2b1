package io.commslib.core.messaging;

import io.commslib.core.CommsException;
import io.commslib.core.Failures;

/**
 * Decides the settlement of a message whose handler threw an exception. Users implement it.
 * Thread-safe; must not block. If it throws itself, the message is retried.
 */
@FunctionalInterface
public interface FailureClassifier {

  /**
   * Maps a failure to a settlement. Not called for outages (library failures of kind {@code
   * TRANSIENT}) and unknown commit results: those pause the route and consume no attempt.
   *
   * @param failure the handler's exception
   * @return the settlement of the message
   */
  Settlement classify(Throwable failure);

  /**
   * Returns the default classifier. It dead-letters library failures of kind {@code PERMANENT} and
   * retries everything else. Wrappers that only carry another failure, such as those of futures,
   * are removed first. An application's exception with a {@code PERMANENT} cause is retried.
   *
   * @return the classifier
   */
  static FailureClassifier defaults() {
    return failure ->
        Failures.isPermanent(failure)
            ? Settlement.deadLetter(
                Failures.known(failure).map(CommsException::code).orElse("PERMANENT"))
            : Settlement.retry();
  }
}
