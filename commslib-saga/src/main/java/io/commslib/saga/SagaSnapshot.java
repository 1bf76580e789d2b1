package io.commslib.saga;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/** State of a saga when it was read. Immutable. */
public final class SagaSnapshot {

  private final StoredSaga saga;
  private final String step;

  SagaSnapshot(StoredSaga saga) {
    this.saga = saga;
    this.step = StoredSaga.awaitedStep(saga.steps());
  }

  /** {@return the id, which is the correlation id of the saga's messages} */
  public String id() {
    return saga.id();
  }

  /** {@return the name of the definition} */
  public String type() {
    return saga.type();
  }

  /** {@return the version of the definition, 1 or more} */
  public int definitionVersion() {
    return saga.definitionVersion();
  }

  /** {@return the key that the saga was started with, unique within the definition's name} */
  public String businessKey() {
    return saga.businessKey();
  }

  /** {@return the status} */
  public SagaStatus status() {
    return saga.status();
  }

  /** {@return the name of the step whose reply is awaited, empty if the saga has ended} */
  public String step() {
    return step;
  }

  /**
   * {@return the number of times that the awaited step's command or compensation was sent, 1 or
   * more; 0 if the saga has ended}
   */
  public int attempt() {
    return step.isEmpty() ? 0 : saga.steps().getOrDefault(step, StepState.PENDING).attempt();
  }

  /** {@return the phases of all steps by name, in order of the steps, unmodifiable} */
  public Map<String, StepPhase> steps() {
    Map<String, StepPhase> phases = new LinkedHashMap<>();
    saga.steps().forEach((name, state) -> phases.put(name, state.phase()));
    return Collections.unmodifiableMap(phases);
  }

  /** {@return the time of the last change, by the database's clock} */
  public Instant updatedAt() {
    return saga.updatedAt();
  }

  /** {@return the time at which the awaited reply is overdue, empty for a saga at rest} */
  public Optional<Instant> wakeAt() {
    return Optional.ofNullable(saga.wakeAt());
  }

  @Override
  public String toString() {
    return "SagaSnapshot{" + id() + ", " + status() + ", step=" + step + ", steps=" + steps() + "}";
  }
}
