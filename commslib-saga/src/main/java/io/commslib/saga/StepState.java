package io.commslib.saga;

/**
 * Where one step of one instance stands.
 *
 * @param phase the phase
 * @param attempt sends of the command or of the current compensation, 0 before the first
 * @param round compensations begun; each has an id of its own
 * @param answered whether success is known; an undo sent before that may have come before the
 *     effect
 */
record StepState(StepPhase phase, int attempt, int round, boolean successKnown) {

  static final StepState PENDING = new StepState(StepPhase.PENDING, 0, 0, false);

  StepState withPhase(StepPhase next) {
    return new StepState(next, attempt, round, successKnown);
  }

  StepState withAttempt(int number) {
    return new StepState(phase, number, round, successKnown);
  }

  StepState succeeded(StepPhase next) {
    return new StepState(next, attempt, round, true);
  }

  StepState undoing() {
    return new StepState(StepPhase.UNDOING, 1, round + 1, successKnown);
  }
}
