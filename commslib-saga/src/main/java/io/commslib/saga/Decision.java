package io.commslib.saga;

import java.util.List;

/** What {@link Decider} says to an input. Closed set. */
sealed interface Decision<S> {

  /** Store the instance and its history, then cause the effects. */
  record Transition<S>(Instance<S> next, List<Effect> effects, List<LogLine> log)
      implements Decision<S> {}

  /** Right and without effect: a duplicate, or too late to matter. */
  record Ignore<S>(String reason) implements Decision<S> {}

  /** Wrong: no participant and no operator may say this now. */
  record Refuse<S>(String reason) implements Decision<S> {}

  /**
   * One line of the history.
   *
   * @param step empty if it concerns the whole saga
   * @param attempt 0 if it is not a send
   */
  record LogLine(SagaLogEntry.Kind kind, String step, int attempt, String actor, String detail) {}
}
