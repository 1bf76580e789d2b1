package io.commslib.saga;

/**
 * State of one step of one instance.
 *
 * @param attempt sends of the command or of the current compensation, 0 before the first
 * @param round compensations started; each has an id of its own
 * @param successKnown whether success is known; an undo sent before that may have reached the
 *     participant before the effect
 */
record StepState(StepPhase phase, int attempt, int round, boolean successKnown) {

  static final StepState PENDING = new StepState(StepPhase.PENDING, 0, 0, false);

  StepState withPhase(StepPhase next) {
    return new StepState(next, attempt, round, successKnown);
  }

  StepState withAttempt(int number) {
    return new StepState(phase, number, round, successKnown);
  }

  StepState succeeded() {
    return new StepState(StepPhase.DONE, attempt, round, true);
  }

  StepState undoing() {
    return new StepState(StepPhase.UNDOING, 1, round + 1, successKnown);
  }
}
