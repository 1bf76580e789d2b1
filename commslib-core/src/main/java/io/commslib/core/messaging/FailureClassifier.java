package io.commslib.core.messaging;

import io.commslib.core.CommsException;
import io.commslib.core.Failures;

/**
 * Decides what a throw from a handler means. Users implement it. Thread-safe; must not block; what
 * it throws counts as a retry.
 */
@FunctionalInterface
public interface FailureClassifier {

  /**
   * Maps a failure to a settlement. Not asked for outages (library failures of kind {@code
   * TRANSIENT}) and unknown commit results: those pause the route and burn no attempt.
   *
   * @param failure what the handler threw
   * @return what becomes of the message
   */
  Settlement classify(Throwable failure);

  /**
   * Returns the default: library failures of kind {@code PERMANENT} are dead-lettered, everything
   * else is retried. Wrappers that only carry another failure, such as those of futures, do not
   * count; a failure of the application with such a cause is retried.
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
