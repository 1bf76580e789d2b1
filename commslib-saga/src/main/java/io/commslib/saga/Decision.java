package io.commslib.saga;

import java.util.List;

/** Result of {@link Decider} for an input. Closed set. */
sealed interface Decision<S> {

  /** Store the instance and its history, then cause the effects. */
  record Transition<S>(Instance<S> next, List<Effect> effects, List<LogLine> log)
      implements Decision<S> {}

  /** The input is valid and has no effect: a duplicate, or too late to matter. */
  record Ignore<S>(String reason) implements Decision<S> {}

  /** The input is invalid in this state, whether from a participant or an operator. */
  record Refuse<S>(String reason) implements Decision<S> {}

  /**
   * One entry of the history.
   *
   * @param step empty if it concerns the whole saga
   * @param attempt 0 if it is neither a send nor a failure
   */
  record LogLine(SagaLogEntry.Kind kind, String step, int attempt, String actor, String detail) {}
}
