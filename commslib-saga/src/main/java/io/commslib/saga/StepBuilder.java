package io.commslib.saga;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.Destination;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.function.BiFunction;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/**
 * Builds one step; created by {@link SagaDefinition.Builder#step}. Not thread-safe.
 *
 * <p>A step with a compensation may be undone. A {@link #readOnly()} step needs no undo. A {@link
 * #pivot()} is the point of no return, and every step after it must succeed in the end.
 *
 * @param <S> class of the state
 */
public final class StepBuilder<S> {

  /** Default of {@link #timeout}: 30 s. */
  public static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(30);

  /** Default of {@link #attempts}: {@value}. */
  public static final int DEFAULT_ATTEMPTS = 3;

  /** Default of {@link #compensationAttempts}: {@value}. */
  public static final int DEFAULT_COMPENSATION_ATTEMPTS = 10;

  private final SagaDefinition.Builder<S> saga;
  private final String name;
  private final Map<Class<?>, BiFunction<S, Object, S>> replies = new LinkedHashMap<>();
  private final Map<Class<?>, BiFunction<S, Object, S>> refusals = new LinkedHashMap<>();
  private final Map<Class<?>, BiFunction<S, Object, S>> undoReplies = new LinkedHashMap<>();
  private Step.@Nullable Call<S> command;
  private Step.@Nullable Call<S> undo;
  private @Nullable StepKind declared;
  private Duration timeout = DEFAULT_TIMEOUT;
  private int attempts = DEFAULT_ATTEMPTS;
  private int compensationAttempts = DEFAULT_COMPENSATION_ATTEMPTS;

  StepBuilder(SagaDefinition.Builder<S> saga, String name) {
    this.saga = saga;
    this.name = Checks.matches("step", name, SagaDefinition.NAME, SagaDefinition.NAME_RULE);
  }

  /**
   * Sets the command. Required. It is created again for every attempt, with the same message id.
   *
   * @param to destination at which the participant receives commands
   * @param command creates the command from the state; its class must be in the engine's type
   *     registry
   * @return this
   * @throws IllegalArgumentException if the step has a command already
   */
  public StepBuilder<S> command(Destination to, Function<S, ?> command) {
    check(this.command == null, "command", "two", "one");
    this.command = call(to, Objects.requireNonNull(command, "command"));
    return this;
  }

  /**
   * Adds a reply that means success. At least one is required.
   *
   * @param <R> class of the reply
   * @param reply a class of the engine's type registry
   * @param update computes the new state from the state and the reply
   * @return this
   * @throws IllegalArgumentException if this step already has the class
   */
  public <R> StepBuilder<S> onReply(Class<R> reply, BiFunction<S, ? super R, S> update) {
    add("onReply", replies, reply, update);
    check(!refusals.containsKey(reply), "onReply", reply.getName(), "success or refusal, not both");
    return this;
  }

  /**
   * Adds a reply that means that the participant refused and did nothing: earlier steps are undone.
   * Default none. A technical failure is not a refusal; the participant retries it.
   *
   * @param <R> class of the reply
   * @param reply a class of the engine's type registry
   * @param update computes the new state from the state and the reply
   * @return this
   * @throws IllegalArgumentException if this step already has the class
   */
  public <R> StepBuilder<S> refusedBy(Class<R> reply, BiFunction<S, ? super R, S> update) {
    add("refusedBy", refusals, reply, update);
    check(
        !replies.containsKey(reply), "refusedBy", reply.getName(), "success or refusal, not both");
    return this;
  }

  /**
   * Sets the compensation; default none. It undoes the command's effect. The participant must
   * answer it also if the command had no effect or was never received. The compensation is sent
   * again under another id if success becomes known after it was sent. Its {@code causationId} is
   * always the id of the command to undo.
   *
   * @param to destination at which the participant receives compensations, normally that of the
   *     command
   * @param command creates the compensation from the state; its class must be in the engine's type
   *     registry
   * @return this
   * @throws IllegalArgumentException if the step has a compensation already
   */
  public StepBuilder<S> compensate(Destination to, Function<S, ?> command) {
    check(this.undo == null, "compensate", "two", "one");
    this.undo = call(to, Objects.requireNonNull(command, "command"));
    return this;
  }

  /**
   * Adds a reply that confirms the compensation and leaves the state unchanged.
   *
   * @param reply a class of the engine's type registry
   * @return this
   * @throws IllegalArgumentException if this step already has the class for its compensation
   */
  public StepBuilder<S> compensatedBy(Class<?> reply) {
    return compensatedBy(reply, (state, ignored) -> state);
  }

  /**
   * Adds a reply that confirms the compensation. A compensation requires at least one.
   *
   * @param <R> class of the reply
   * @param reply a class of the engine's type registry
   * @param update computes the new state from the state and the reply
   * @return this
   * @throws IllegalArgumentException if this step already has the class for its compensation
   */
  public <R> StepBuilder<S> compensatedBy(Class<R> reply, BiFunction<S, ? super R, S> update) {
    add("compensatedBy", undoReplies, reply, update);
    return this;
  }

  /**
   * Sets the time for which the reply to one attempt is awaited. For compensations the time doubles
   * with each attempt, up to 10 minutes or this timeout, whichever is longer.
   *
   * @param timeout 10 ms to 365 d, default 30 s
   * @return this
   * @throws IllegalArgumentException if out of range
   */
  public StepBuilder<S> timeout(Duration timeout) {
    this.timeout =
        Checks.inRange(path("timeout"), timeout, Duration.ofMillis(10), Duration.ofDays(365));
    return this;
  }

  /**
   * Sets the maximum number of times that the command is sent, the first send included. If none is
   * answered in time, the outcome counts as unknown: the step is undone with all earlier steps. At
   * a pivot or a step after it the saga is parked instead.
   *
   * @param attempts 1 to 1,000, default {@value #DEFAULT_ATTEMPTS}
   * @return this
   * @throws IllegalArgumentException if out of range
   */
  public StepBuilder<S> attempts(int attempts) {
    this.attempts = Checks.inRange(path("attempts"), attempts, 1, 1_000);
    return this;
  }

  /**
   * Sets the maximum number of times that the compensation is sent, the first send included. If
   * none is answered in time, the saga is parked.
   *
   * @param attempts 1 to 1,000, default {@value #DEFAULT_COMPENSATION_ATTEMPTS}
   * @return this
   * @throws IllegalArgumentException if out of range
   */
  public StepBuilder<S> compensationAttempts(int attempts) {
    this.compensationAttempts = Checks.inRange(path("compensationAttempts"), attempts, 1, 1_000);
    return this;
  }

  /**
   * Declares that the command changes nothing, so that there is nothing to undo.
   *
   * @return this
   * @throws IllegalArgumentException if declared a pivot
   */
  public StepBuilder<S> readOnly() {
    return declare(StepKind.READ_ONLY, "readOnly");
  }

  /**
   * Declares the point of no return: the step may be refused, but once it may have taken effect
   * nothing is undone. A last step without compensation that is not read-only is a pivot.
   *
   * @return this
   * @throws IllegalArgumentException if declared read-only
   */
  public StepBuilder<S> pivot() {
    return declare(StepKind.PIVOT, "pivot");
  }

  /**
   * Adds the next step; see {@link SagaDefinition.Builder#step}.
   *
   * @param name stable name, unique in this definition
   * @return builder of the next step
   */
  public StepBuilder<S> step(String name) {
    return saga.step(name);
  }

  /**
   * Sets the ordering key; default as in {@link SagaDefinition.Builder#key}.
   *
   * @param key computes the key from the state
   * @return builder of the definition
   */
  public SagaDefinition.Builder<S> key(Function<S, String> key) {
    return saga.key(key);
  }

  /**
   * Adds a hook for completion; see {@link SagaDefinition.Builder#onCompleted}.
   *
   * @param hook called at the end
   * @return builder of the definition
   */
  public SagaDefinition.Builder<S> onCompleted(SagaHook<S> hook) {
    return saga.onCompleted(hook);
  }

  /**
   * Adds a hook for compensation; see {@link SagaDefinition.Builder#onCompensated}.
   *
   * @param hook called at the end
   * @return builder of the definition
   */
  public SagaDefinition.Builder<S> onCompensated(SagaHook<S> hook) {
    return saga.onCompensated(hook);
  }

  /**
   * Builds the definition; see {@link SagaDefinition.Builder#build}.
   *
   * @return immutable definition
   */
  public SagaDefinition<S> build() {
    return saga.build();
  }

  String name() {
    return name;
  }

  Step<S> toStep(boolean afterPivot, boolean last) {
    check(command != null, "command", "none", "one");
    check(!replies.isEmpty(), "onReply", "none", "at least one");
    check(undo == null || !undoReplies.isEmpty(), "compensatedBy", "none", "at least one");
    check(undo != null || undoReplies.isEmpty(), "compensate", "none", "one, for compensatedBy");
    StepKind kind = kind(afterPivot, last);
    Step.Undo<S> compensation =
        undo == null ? null : new Step.Undo<>(undo, Map.copyOf(undoReplies), compensationAttempts);
    return new Step<>(
        name,
        kind,
        Objects.requireNonNull(command),
        Map.copyOf(replies),
        Map.copyOf(refusals),
        compensation,
        timeout,
        attempts);
  }

  private StepKind kind(boolean afterPivot, boolean last) {
    if (afterPivot) {
      check(declared != StepKind.PIVOT, "pivot", "two", "one per definition");
      check(undo == null, "compensate", "set", "none after the pivot");
      check(refusals.isEmpty(), "refusedBy", "set", "none after the pivot");
      return StepKind.RETRIABLE;
    }
    check(
        undo == null || declared == null,
        "compensate",
        "set",
        "none for a step declared read-only or pivot");
    if (undo != null) {
      return StepKind.COMPENSATABLE;
    }
    check(
        declared != null || last,
        "compensate",
        "none",
        "one, or readOnly() or pivot(), for a step before the last");
    return declared == null ? StepKind.PIVOT : declared;
  }

  private StepBuilder<S> declare(StepKind kind, String what) {
    check(declared == null || declared == kind, what, "set", "readOnly() or pivot(), not both");
    declared = kind;
    return this;
  }

  private static <S> Step.Call<S> call(Destination to, Function<S, ?> body) {
    Objects.requireNonNull(to, "to");
    return new Step.Call<>(to, state -> body.apply(state));
  }

  private <R> void add(
      String what,
      Map<Class<?>, BiFunction<S, Object, S>> all,
      Class<R> reply,
      BiFunction<S, ? super R, S> update) {
    Objects.requireNonNull(reply, "reply");
    Objects.requireNonNull(update, "update");
    check(!all.containsKey(reply), what, reply.getName(), "a class named once");
    all.put(reply, (state, body) -> update.apply(state, reply.cast(body)));
  }

  private void check(boolean condition, String setting, String value, String rule) {
    Checks.check(condition, path(setting), value, rule);
  }

  private String path(String setting) {
    return "step " + name + ": " + setting;
  }
}
