package io.commslib.saga;

import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A saga as it stands. Immutable.
 *
 * @since 0.1
 */
public final class SagaSnapshot {

  private final String id;
  private final String businessKey;
  private final SagaStatus status;
  private final String step;
  private final int attempt;
  private final Map<String, String> steps;
  private final Instant updatedAt;
  private final @Nullable Instant wakeAt;

  SagaSnapshot(
      String id,
      String businessKey,
      SagaInstance.Progress progress,
      Instant updatedAt,
      @Nullable Instant wakeAt) {
    this.id = id;
    this.businessKey = businessKey;
    this.status = progress.status();
    this.step = progress.step();
    this.attempt = progress.attempt();
    Map<String, String> names = new LinkedHashMap<>();
    progress.steps().forEach((name, state) -> names.put(name, state.name()));
    this.steps = Collections.unmodifiableMap(names);
    this.updatedAt = updatedAt;
    this.wakeAt = wakeAt;
  }

  /**
   * Returns the id, which is the correlation id of its messages.
   *
   * @return the id
   */
  public String id() {
    return id;
  }

  /**
   * Returns the key it was started with.
   *
   * @return unique within its definition's name
   */
  public String businessKey() {
    return businessKey;
  }

  /**
   * Returns where it is in its life.
   *
   * @return the status
   */
  public SagaStatus status() {
    return status;
  }

  /**
   * Returns the step it is at.
   *
   * @return name of the step
   */
  public String step() {
    return step;
  }

  /**
   * Returns how often that step's command or undo was sent.
   *
   * @return 1 or more
   */
  public int attempt() {
    return attempt;
  }

  /**
   * Returns what is known of every step, such as {@code DONE}, {@code UNKNOWN} or {@code UNDONE}.
   *
   * @return unmodifiable, in order of the steps
   */
  public Map<String, String> steps() {
    return steps;
  }

  /**
   * Returns when it last changed, by the database's clock.
   *
   * @return the time
   */
  public Instant updatedAt() {
    return updatedAt;
  }

  /**
   * Returns when it is looked at next without an answer.
   *
   * @return the time, or empty for a saga at rest
   */
  public Optional<Instant> wakeAt() {
    return Optional.ofNullable(wakeAt);
  }

  @Override
  public String toString() {
    return "SagaSnapshot{" + id + ", " + status + ", step=" + step + ", steps=" + steps + "}";
  }
}
