package io.commslib.saga;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * State of one saga, the input and result of {@link Decider}. Immutable.
 *
 * @param steps state of each step, in the definition's order
 * @param wakeAt time at which the awaited reply is overdue; null exactly when the status is at rest
 */
record Instance<S>(
    String id,
    String businessKey,
    SagaStatus status,
    List<StepState> steps,
    S state,
    @Nullable Instant wakeAt) {

  Instance {
    steps = List.copyOf(steps);
    Objects.requireNonNull(state, "state");
  }

  /** Omits the state, which must not appear in logs. */
  @Override
  public String toString() {
    return "Instance[id=" + id + ", status=" + status + ", steps=" + steps + "]";
  }

  /** A saga before its start; its first input must be {@link Input.Start}. */
  static <S> Instance<S> initial(
      SagaDefinition<S> definition, String id, String businessKey, S state) {
    return new Instance<>(
        id,
        businessKey,
        SagaStatus.RUNNING,
        Collections.nCopies(definition.steps().size(), StepState.PENDING),
        state,
        null);
  }
}
