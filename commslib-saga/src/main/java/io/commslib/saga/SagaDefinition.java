package io.commslib.saga;

import io.commslib.core.messaging.Destination;
import io.commslib.core.spi.Checks;
import io.commslib.core.tx.TransactionContext;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * What a saga does: named steps in order, each with a command, its answers and its undo. Immutable
 * data, not code that is replayed: a saga resumes from one row, and new versions stand beside old
 * ones.
 *
 * @param <S> state carried from step to step; immutable, written by the engine's codec
 * @since 0.1
 */
public final class SagaDefinition<S> {

  /**
   * Called when a saga ends, in the transaction of its last step.
   *
   * @param <S> state of the saga
   * @since 0.1
   */
  @FunctionalInterface
  public interface EndHandler<S> {

    /**
     * Takes the end into the service's own tables and outbox; commits with the saga's state.
     *
     * @param state the last state
     * @param tx the running transaction
     * @throws Exception to roll back and try again
     */
    void ended(S state, TransactionContext tx) throws Exception;
  }

  private static final Pattern NAME = Pattern.compile("[a-z][a-z0-9-]{0,49}");
  private static final String NAME_RULE = "1..50 of a-z 0-9 -, starting with a letter";

  private final String name;
  private final int version;
  private final Class<S> stateType;
  private final List<SagaStep<S>> steps;
  private final Function<S, String> key;
  private final EndHandler<S> onCompleted;
  private final EndHandler<S> onCompensated;

  private SagaDefinition(Builder<S> builder) {
    this.name = builder.name;
    this.version = builder.version;
    this.stateType = builder.stateType;
    this.steps = List.copyOf(builder.steps);
    this.key = Objects.requireNonNull(builder.key);
    this.onCompleted = builder.onCompleted;
    this.onCompensated = builder.onCompensated;
  }

  /**
   * Starts a definition.
   *
   * @param <S> state of the saga
   * @param name stable name, 1 to 50 characters of {@code a-z0-9-}
   * @param version 1 or more; a change of structure needs a new one
   * @param stateType class of the state
   * @return new builder
   */
  public static <S> Builder<S> builder(String name, int version, Class<S> stateType) {
    return new Builder<>(name, version, stateType);
  }

  /**
   * Returns the stable name.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * Returns the version.
   *
   * @return 1 or more
   */
  public int version() {
    return version;
  }

  Class<S> stateType() {
    return stateType;
  }

  List<SagaStep<S>> steps() {
    return steps;
  }

  String key(S state) {
    return key.apply(state);
  }

  EndHandler<S> onCompleted() {
    return onCompleted;
  }

  EndHandler<S> onCompensated() {
    return onCompensated;
  }

  SagaStep<S> step(String stepName) {
    return steps.stream().filter(step -> step.name().equals(stepName)).findFirst().orElseThrow();
  }

  String id() {
    return name + " v" + version;
  }

  /** Digest of the structure; timeouts and attempts may change without a new version. */
  String fingerprint() {
    StringBuilder text = new StringBuilder(stateType.getSimpleName());
    steps.forEach(step -> text.append('/').append(step.structure()));
    return UUID.nameUUIDFromBytes(text.toString().getBytes(StandardCharsets.UTF_8)).toString();
  }

  /**
   * Collects the steps. Not thread-safe.
   *
   * @param <S> state of the saga
   * @since 0.1
   */
  public static final class Builder<S> {
    private final String name;
    private final int version;
    private final Class<S> stateType;
    private final List<SagaStep<S>> steps = new ArrayList<>();
    private @Nullable Function<S, String> key;
    private EndHandler<S> onCompleted = (state, tx) -> {};
    private EndHandler<S> onCompensated = (state, tx) -> {};

    private Builder(String name, int version, Class<S> stateType) {
      this.name = Checks.matches("saga", name, NAME, NAME_RULE);
      this.version = Checks.inRange("version", version, 1, 1_000_000);
      this.stateType = Objects.requireNonNull(stateType, "stateType");
    }

    /**
     * Sets the ordering key of all commands of a saga: a command and its undo stay in order.
     *
     * @param newKey key from the state
     * @return this
     */
    public Builder<S> key(Function<S, String> newKey) {
      this.key = Objects.requireNonNull(newKey, "key");
      return this;
    }

    /**
     * Begins the next step.
     *
     * @param step stable name, 1 to 50 characters of {@code a-z0-9-}
     * @return builder of the step
     */
    public StepBuilder<S> step(String step) {
      return new StepBuilder<>(this, step);
    }

    /**
     * Sets what happens when every step is done.
     *
     * @param handler runs in the last step's transaction
     * @return this
     */
    public Builder<S> onCompleted(EndHandler<S> handler) {
      this.onCompleted = Objects.requireNonNull(handler, "onCompleted");
      return this;
    }

    /**
     * Sets what happens when everything is undone.
     *
     * @param handler runs in the last undo's transaction
     * @return this
     */
    public Builder<S> onCompensated(EndHandler<S> handler) {
      this.onCompensated = Objects.requireNonNull(handler, "onCompensated");
      return this;
    }

    /**
     * Builds the definition.
     *
     * @return immutable definition
     * @throws IllegalArgumentException if it has no key or steps, two steps have one name, or a
     *     step that is neither read-only nor the last one before or at the point of no return has
     *     no undo
     */
    public SagaDefinition<S> build() {
      Checks.check(key != null, "key", "none", "a function of the state, in saga " + name);
      Checks.check(!steps.isEmpty(), "steps", 0, "1 or more, in saga " + name);
      long names = steps.stream().map(SagaStep::name).distinct().count();
      Checks.check(
          names == steps.size(),
          "steps",
          steps.stream().map(SagaStep::name).toList(),
          "distinct names");
      long pivots = steps.stream().filter(step -> step.limits().pivot()).count();
      Checks.check(pivots <= 1, "pivot", pivots, "one at most, in saga " + name);
      boolean pastPivot = false;
      for (int i = 0; i < steps.size() - 1; i++) {
        SagaStep<S> step = steps.get(i);
        pastPivot |= step.limits().pivot();
        Checks.check(
            step.undo() != null || step.limits().readOnly() || pastPivot,
            "compensate",
            "none for step " + step.name(),
            "an undo, readOnly() or a pivot at or before it");
      }
      return new SagaDefinition<>(this);
    }
  }

  /**
   * Collects one step; {@link #step} and {@link #build} go on with the definition. Not thread-safe.
   *
   * @param <S> state of the saga
   * @since 0.1
   */
  public static final class StepBuilder<S> {
    private final Builder<S> definition;
    private final String name;
    private SagaStep.@Nullable Action<S> command;
    private SagaStep.@Nullable Action<S> undo;
    private final Map<Class<?>, BiFunction<S, Object, S>> accepted = new LinkedHashMap<>();
    private final Map<Class<?>, BiFunction<S, Object, S>> refused = new LinkedHashMap<>();
    private final Map<Class<?>, BiFunction<S, Object, S>> undone = new LinkedHashMap<>();
    private Duration timeout = Duration.ofMinutes(1);
    private int attempts = 3;
    private boolean readOnly;
    private boolean pivot;

    private StepBuilder(Builder<S> definition, String name) {
      this.definition = definition;
      this.name = Checks.matches("step", name, NAME, NAME_RULE);
    }

    /**
     * Sets the command. It keeps its message id over all attempts.
     *
     * @param to the participant
     * @param message command from the state, of a registered class
     * @return this
     */
    public StepBuilder<S> command(Destination to, Function<S, Object> message) {
      this.command =
          new SagaStep.Action<>(
              Objects.requireNonNull(to, "to"), Objects.requireNonNull(message, "message"));
      return this;
    }

    /**
     * Takes an answer as success.
     *
     * @param <R> class of the answer
     * @param reply registered class
     * @param next new state
     * @return this
     */
    public <R> StepBuilder<S> onReply(Class<R> reply, BiFunction<S, R, S> next) {
      return answer(accepted, reply, next);
    }

    /**
     * Takes an answer as refusal: the step had no effect, the saga undoes what came before.
     *
     * @param <R> class of the answer
     * @param reply registered class
     * @param next new state
     * @return this
     */
    public <R> StepBuilder<S> refusedBy(Class<R> reply, BiFunction<S, R, S> next) {
      return answer(refused, reply, next);
    }

    /**
     * Sets the undo. Its participant must accept it for a command it never saw: after a timeout the
     * step may not have taken effect.
     *
     * @param to the participant
     * @param message command from the state, of a registered class
     * @return this
     */
    public StepBuilder<S> compensate(Destination to, Function<S, Object> message) {
      this.undo =
          new SagaStep.Action<>(
              Objects.requireNonNull(to, "to"), Objects.requireNonNull(message, "message"));
      return this;
    }

    /**
     * Takes an answer as undone.
     *
     * @param reply registered class
     * @return this
     */
    public StepBuilder<S> compensatedBy(Class<?> reply) {
      undone.put(Objects.requireNonNull(reply, "reply"), (state, answer) -> state);
      return this;
    }

    /**
     * Sets how long an answer may take. Without one the command is sent again with the same id;
     * after the last attempt the outcome is unknown, and the step is undone like one that was done.
     *
     * @param newTimeout 10 ms to 365 days, default 1 min
     * @return this
     */
    public StepBuilder<S> timeout(Duration newTimeout) {
      this.timeout =
          Checks.inRange("timeout", newTimeout, Duration.ofMillis(10), Duration.ofDays(365));
      return this;
    }

    /**
     * Sets how often the command, or its undo, is sent before the step is given up.
     *
     * @param newAttempts 1 to 1,000, default 3
     * @return this
     */
    public StepBuilder<S> attempts(int newAttempts) {
      this.attempts = Checks.inRange("attempts", newAttempts, 1, 1_000);
      return this;
    }

    /**
     * Says that the step changes nothing, so needs no undo.
     *
     * @return this
     */
    public StepBuilder<S> readOnly() {
      this.readOnly = true;
      return this;
    }

    /**
     * Makes the step the point of no return: once it was sent the saga goes forward or parks, and
     * undoes nothing.
     *
     * @return this
     */
    public StepBuilder<S> pivot() {
      this.pivot = true;
      return this;
    }

    /**
     * Ends this step and begins the next.
     *
     * @param next its name
     * @return builder of the next step
     */
    public StepBuilder<S> step(String next) {
      return end().step(next);
    }

    /**
     * Ends the steps: {@link Builder#onCompleted}.
     *
     * @param handler runs in the last step's transaction
     * @return builder of the definition
     */
    public Builder<S> onCompleted(EndHandler<S> handler) {
      return end().onCompleted(handler);
    }

    /**
     * Ends the steps and builds the definition: {@link Builder#build}.
     *
     * @return immutable definition
     */
    public SagaDefinition<S> build() {
      return end().build();
    }

    private Builder<S> end() {
      Checks.check(command != null, "command", "none for step " + name, "one");
      Checks.check(!accepted.isEmpty(), "onReply", "none for step " + name, "one or more");
      Checks.check(
          (undo == null) == undone.isEmpty(),
          "compensatedBy",
          undone.size() + " for step " + name,
          undo == null ? "none without compensate" : "one or more with compensate");
      definition.steps.add(
          new SagaStep<>(
              name,
              Objects.requireNonNull(command),
              undo,
              new SagaStep.Replies<>(Map.copyOf(accepted), Map.copyOf(refused), Map.copyOf(undone)),
              new SagaStep.Limits(timeout, attempts, readOnly, pivot)));
      return definition;
    }

    private <R> StepBuilder<S> answer(
        Map<Class<?>, BiFunction<S, Object, S>> answers, Class<R> reply, BiFunction<S, R, S> next) {
      Objects.requireNonNull(next, "next");
      Checks.check(
          !accepted.containsKey(reply) && !refused.containsKey(reply),
          "reply",
          reply.getName(),
          "one meaning per step");
      answers.put(reply, (state, answer) -> next.apply(state, reply.cast(answer)));
      return this;
    }
  }
}
