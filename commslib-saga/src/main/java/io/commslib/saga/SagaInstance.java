package io.commslib.saga;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** One saga as {@link SagaDecision} sees it. Immutable; {@code wakeIn} is null for one at rest. */
record SagaInstance<S>(Progress progress, S state, @Nullable Duration wakeIn) {

  /** Status, the step it is at, how often that was sent, and what is known of every step. */
  record Progress(SagaStatus status, String step, int attempt, Map<String, StepState> steps) {

    Progress with(String name, StepState state) {
      Map<String, StepState> changed = new LinkedHashMap<>(steps);
      changed.put(name, state);
      return new Progress(status, step, attempt, changed);
    }

    Progress at(SagaStatus newStatus, String newStep, int newAttempt) {
      return new Progress(newStatus, newStep, newAttempt, steps);
    }

    StepState of(String name) {
      return steps.getOrDefault(name, StepState.PENDING);
    }
  }

  SagaInstance<S> with(Progress newProgress) {
    return new SagaInstance<>(newProgress, state, wakeIn);
  }
}
