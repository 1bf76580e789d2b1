package io.commslib.saga;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** A saga as it stands. Immutable. */
public final class SagaSnapshot {

  private final StoredSaga saga;
  private final String step;

  SagaSnapshot(StoredSaga saga) {
    this.saga = saga;
    this.step = StoredSaga.awaitedStep(saga.steps());
  }

  /**
   * Returns the id, which is the correlation id of its messages.
   *
   * @return the id
   */
  public String id() {
    return saga.id();
  }

  /**
   * Returns the name of its definition.
   *
   * @return the name
   */
  public String type() {
    return saga.type();
  }

  /**
   * Returns the version of its definition.
   *
   * @return 1 or more
   */
  public int definitionVersion() {
    return saga.definitionVersion();
  }

  /**
   * Returns the key it was started with.
   *
   * @return unique within its definition's name
   */
  public String businessKey() {
    return saga.businessKey();
  }

  /**
   * Returns where it is in its life.
   *
   * @return the status
   */
  public SagaStatus status() {
    return saga.status();
  }

  /**
   * Returns the step whose reply it waits for.
   *
   * @return name of the step, empty when it has ended
   */
  public String step() {
    return step;
  }

  /**
   * Returns how often that step's command or compensation was sent.
   *
   * @return 1 or more, 0 when it has ended
   */
  public int attempt() {
    return step.isEmpty() ? 0 : saga.steps().getOrDefault(step, StepState.PENDING).attempt();
  }

  /**
   * Returns where every step stands.
   *
   * @return by name, unmodifiable, in order of the steps
   */
  public Map<String, StepPhase> steps() {
    Map<String, StepPhase> phases = new LinkedHashMap<>();
    saga.steps().forEach((name, state) -> phases.put(name, state.phase()));
    return Collections.unmodifiableMap(phases);
  }

  /**
   * Returns when it last changed, by the database's clock.
   *
   * @return the time
   */
  public Instant updatedAt() {
    return saga.updatedAt();
  }

  /**
   * Returns when it is looked at next without an answer.
   *
   * @return the time, or empty for a saga at rest
   */
  public Optional<Instant> wakeAt() {
    return Optional.ofNullable(saga.wakeAt());
  }

  @Override
  public String toString() {
    return "SagaSnapshot{" + id() + ", " + status() + ", step=" + step + ", steps=" + steps() + "}";
  }
}
