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
 * Steps of a saga: named and ordered, each with a command, the replies that answer it, and a
 * compensation. A definition is data: an instance is at a step and continues from its stored row,
 * without running earlier steps again.
 *
 * <p>Name and version are stored with every instance. Steps, their order, kinds and destinations
 * must not change under one version (the engine refuses to start); timeouts, attempts and functions
 * may change. Immutable. The functions of a definition are called on the engine's threads, must not
 * block, and may run several times for one effect.
 *
 * <pre>{@code
 * SagaDefinition<OrderState> definition =
 *     SagaDefinition.builder("order", 1, OrderState.class)
 *         .step("reserve")
 *         .command(INVENTORY, order -> new ReserveStock(order.orderId()))
 *         .onReply(StockReserved.class, (order, reply) -> order)
 *         .refusedBy(OutOfStock.class, (order, reply) -> order)
 *         .readOnly()
 *         .timeout(Duration.ofMinutes(10))
 *         .build();
 * }</pre>
 *
 * @param <S> class of the state
 */
public final class SagaDefinition<S> {

  /** Maximum number of steps of a definition: {@value}. */
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
   * @param name stable name of the saga type, 1 to 50 of {@code a-z0-9-}, not starting with {@code
   *     -}
   * @param version number of this structure, 1 to 1,000,000
   * @param stateType class of the state; the engine's codec writes and reads it
   * @return new builder
   * @throws IllegalArgumentException if name or version breaks its rule
   */
  public static <S> Builder<S> builder(String name, int version, Class<S> stateType) {
    return new Builder<>(name, version, stateType);
  }

  /** {@return the name of the saga type} */
  public String name() {
    return name;
  }

  /** {@return the version of this structure, 1 or more} */
  public int version() {
    return version;
  }

  /** {@return the class of the state} */
  public Class<S> stateType() {
    return stateType;
  }

  /** {@return the names of the steps, in order} */
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

  /**
   * The part of the definition that must not change under one version, as text. It is stored so
   * that an error can name the difference.
   */
  String structure() {
    return steps.stream().map(Step::structure).collect(Collectors.joining("\n"));
  }

  @Override
  public String toString() {
    return id() + " " + stepNames();
  }

  /**
   * Builds a definition. Not thread-safe.
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
     * Adds a step after the existing steps.
     *
     * @param name stable name, unique in this definition, 1 to 50 of {@code a-z0-9-}, not starting
     *     with {@code -}
     * @return builder of the step, whose methods lead back to this builder
     * @throws IllegalArgumentException if the name breaks the rule
     */
    public StepBuilder<S> step(String name) {
      StepBuilder<S> step = new StepBuilder<>(this, name);
      steps.add(step);
      return step;
    }

    /**
     * Sets the ordering key of commands and compensations. Commands to one participant must share a
     * key, so that a compensation never overtakes its command.
     *
     * @param key computes the key from the state, 1 to 256 characters without control characters;
     *     default the business key
     * @return this
     */
    public Builder<S> key(Function<S, String> key) {
      this.key = Objects.requireNonNull(key, "key");
      return this;
    }

    /**
     * Adds a hook that runs in the transaction that completes a saga. Hooks run in the order in
     * which they were added; default none.
     *
     * @param hook called at the end
     * @return this
     */
    public Builder<S> onCompleted(SagaHook<S> hook) {
      completed.add(Objects.requireNonNull(hook, "hook"));
      return this;
    }

    /**
     * Adds a hook that runs in the transaction in which the last compensation is answered. Hooks
     * run in the order in which they were added; default none.
     *
     * @param hook called at the end
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
     * @throws IllegalArgumentException if there are no steps or more than {@value
     *     SagaDefinition#MAX_STEPS}, two steps of one name or two pivots; if a step has no command,
     *     no reply, a compensation without reply or a reply without compensation; if a step before
     *     the pivot has no compensation and is not read-only (a last step without compensation is
     *     the pivot); or if a step after the pivot can be refused or has a compensation
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
