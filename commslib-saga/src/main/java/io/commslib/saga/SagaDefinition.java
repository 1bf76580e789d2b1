package io.commslib.saga;

import io.commslib.core.checks.Checks;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What a saga does: named steps in order, each with a command, the replies that answer it, and a
 * compensation. Data, not code that is replayed: an instance stands at a step and goes on from its
 * row.
 *
 * <p>Name and version are stored with every instance. Steps, their order, kinds and destinations
 * may not change under one version (the engine refuses to start); timeouts, attempts and the
 * functions may. Immutable; the functions passed in are called on the engine's threads, must not
 * block, and may run several times for one effect.
 *
 * @param <S> class of the state
 */
public final class SagaDefinition<S> {

  /** Most steps a definition may have: {@value}. */
  public static final int MAX_STEPS = 50;

  static final Pattern NAME = Pattern.compile("[a-z0-9][a-z0-9-]{0,49}");
  static final String NAME_RULE = "1..50 of a-z 0-9 -, not starting with -";

  private final String name;
  private final int version;
  private final Class<S> stateType;
  private final List<Step<S>> steps;
  private final @Nullable Function<S, String> key;
  private final List<SagaHook<S>> completed;
  private final List<SagaHook<S>> compensated;

  private SagaDefinition(Builder<S> builder, List<Step<S>> steps) {
    this.name = builder.name;
    this.version = builder.version;
    this.stateType = builder.stateType;
    this.steps = List.copyOf(steps);
    this.key = builder.key;
    this.completed = List.copyOf(builder.completed);
    this.compensated = List.copyOf(builder.compensated);
  }

  /**
   * Starts a definition.
   *
   * @param <S> class of the state
   * @param name stable name of the type, 1 to 50 of {@code a-z0-9-}
   * @param version number of this structure, 1 to 1,000,000
   * @param stateType class of the state; the engine's codec writes and reads it
   * @return new builder
   * @throws IllegalArgumentException if name or version breaks its rule
   */
  public static <S> Builder<S> builder(String name, int version, Class<S> stateType) {
    return new Builder<>(name, version, stateType);
  }

  /**
   * Returns the name of the type.
   *
   * @return the name
   */
  public String name() {
    return name;
  }

  /**
   * Returns the number of this structure.
   *
   * @return 1 or more
   */
  public int version() {
    return version;
  }

  /**
   * Returns the class of the state.
   *
   * @return the class
   */
  public Class<S> stateType() {
    return stateType;
  }

  /**
   * Returns the names of the steps.
   *
   * @return in order
   */
  public List<String> stepNames() {
    return steps.stream().map(Step::name).toList();
  }

  List<Step<S>> steps() {
    return steps;
  }

  String key(S state, String businessKey) {
    return key == null ? businessKey : key.apply(state);
  }

  List<SagaHook<S>> hooks(SagaStatus end) {
    return end == SagaStatus.COMPLETED ? completed : compensated;
  }

  String id() {
    return id(name, version);
  }

  static String id(String name, int version) {
    return name + " v" + version;
  }

  Set<Class<?>> replyClasses() {
    Set<Class<?>> classes = new HashSet<>();
    for (Step<S> step : steps) {
      classes.addAll(step.replies().keySet());
      classes.addAll(step.refusals().keySet());
      if (step.undo() != null) {
        classes.addAll(step.undo().replies().keySet());
      }
    }
    return classes;
  }

  /** What must not change under one version, in words; kept on record to say what differs. */
  String structure() {
    return steps.stream().map(Step::structure).collect(Collectors.joining("\n"));
  }

  @Override
  public String toString() {
    return id() + " " + stepNames();
  }

  /**
   * Collects the parts of a definition. Not thread-safe.
   *
   * @param <S> class of the state
   */
  public static final class Builder<S> {
    private final String name;
    private final int version;
    private final Class<S> stateType;
    private final List<StepBuilder<S>> steps = new ArrayList<>();
    private final List<SagaHook<S>> completed = new ArrayList<>();
    private final List<SagaHook<S>> compensated = new ArrayList<>();
    private @Nullable Function<S, String> key;

    private Builder(String name, int version, Class<S> stateType) {
      this.name = Checks.matches("name", name, NAME, NAME_RULE);
      this.version = Checks.inRange("version", version, 1, 1_000_000);
      this.stateType = Objects.requireNonNull(stateType, "stateType");
    }

    /**
     * Adds a step after those already there.
     *
     * @param name stable name, unique in this definition, 1 to 50 of {@code a-z0-9-}
     * @return builder of the step; it leads back here
     * @throws IllegalArgumentException if the name breaks the rule
     */
    public StepBuilder<S> step(String name) {
      StepBuilder<S> step = new StepBuilder<>(this, name);
      steps.add(step);
      return step;
    }

    /**
     * Sets the ordering key of commands and compensations; without it the business key. Commands to
     * one participant must share a key, so that a compensation never overtakes its command.
     *
     * @param key from the state; 1 to 256 characters without control characters
     * @return this
     */
    public Builder<S> key(Function<S, String> key) {
      this.key = Objects.requireNonNull(key, "key");
      return this;
    }

    /**
     * Adds what to do in the transaction that completes a saga. Several run in call order.
     *
     * @param hook what to do
     * @return this
     */
    public Builder<S> onCompleted(SagaHook<S> hook) {
      completed.add(Objects.requireNonNull(hook, "hook"));
      return this;
    }

    /**
     * Adds what to do in the transaction in which the last compensation is answered. Several run in
     * call order.
     *
     * @param hook what to do
     * @return this
     */
    public Builder<S> onCompensated(SagaHook<S> hook) {
      compensated.add(Objects.requireNonNull(hook, "hook"));
      return this;
    }

    /**
     * Builds the definition.
     *
     * @return immutable definition
     * @throws IllegalArgumentException if it has no steps or more than {@value
     *     SagaDefinition#MAX_STEPS}, two of one name or two pivots; if a step has no command or no
     *     reply, a compensation without reply or the reverse; if one before the pivot has no
     *     compensation and is not read-only (the last step may: it is a pivot then); or if one
     *     after the pivot can be refused or has a compensation
     */
    public SagaDefinition<S> build() {
      Checks.inRange("steps", steps.size(), 1, MAX_STEPS);
      Set<String> names = new HashSet<>();
      List<Step<S>> built = new ArrayList<>();
      boolean afterPivot = false;
      for (int i = 0; i < steps.size(); i++) {
        StepBuilder<S> step = steps.get(i);
        Checks.check(names.add(step.name()), "step", step.name(), "a name used once");
        Step<S> made = step.toStep(afterPivot, i == steps.size() - 1);
        afterPivot |= made.kind() == StepKind.PIVOT;
        built.add(made);
      }
      return new SagaDefinition<>(this, built);
    }
  }
}
