package io.commslib.saga;

import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * One saga as {@link Decider} sees it. Immutable.
 *
 * @param steps where each step of the definition stands
 * @param wakeAt when the awaited reply is overdue; null exactly when the status is at rest
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

  /** Without the state, which may hold what logs must not. */
  @Override
  public String toString() {
    return "Instance[id=" + id + ", status=" + status + ", steps=" + steps + "]";
  }

  /** A saga of which nothing has happened yet; only {@link Input.Start} may follow. */
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
