package io.commslib.core.call;

import org.jspecify.annotations.Nullable;

/**
 * Determines the outcome of an attempt from its answer or failure. Adapters and users implement it.
 * It decides no retry: the permission for one is fixed by target and outcome. Thread-safe; must not
 * block. An exception of the classifier fails the call and is not repeated.
 *
 * @param <R> type of the answers
 */
public interface OutcomeClassifier<R extends @Nullable Object> {

  /**
   * Returns the classifier of plain code. Each answer is a success. A {@link RuntimeException} and
   * a checked exception other than an {@link java.io.IOException} are answers of the code with a
   * status of {@code UNKNOWN}. A refused connection and an unknown host are {@code NOT_SENT}, every
   * other {@code IOException} is {@code MAYBE_SENT}. A {@link CallException} keeps its outcome.
   *
   * @return the classifier
   */
  static OutcomeClassifier<@Nullable Object> plain() {
    return PlainClassifier.INSTANCE;
  }

  /**
   * Returns the outcome of an answer.
   *
   * @param answer the answer
   * @return its outcome
   */
  CallOutcome ofAnswer(R answer);

  /**
   * Returns the outcome of a failure.
   *
   * @param failure the failure of the work
   * @return its outcome
   */
  CallOutcome ofFailure(Throwable failure);
}
