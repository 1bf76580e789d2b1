package io.commslib.saga;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Runs a saga through replies and timeouts without a database, a broker or a clock, for tests of
 * definitions. It uses the state machine of the engine and takes microseconds.
 *
 * <p>The {@code when} methods apply an input. The {@code then} methods check the result of the last
 * input and throw {@link AssertionError} with the expected and the found value. Hooks are not
 * called. Confined to one thread.
 *
 * @param <S> class of the state
 */
public final class SagaScenario<S> {

  private static final Instant START = Instant.parse("2026-01-01T00:00:00Z");
  private static final String ID = "scenario";

  private final SagaDefinition<S> definition;
  private final List<Object> published = new ArrayList<>();
  private Instance<S> saga;
  private Instant now = START;

  private SagaScenario(SagaDefinition<S> definition, S state) {
    this.definition = Objects.requireNonNull(definition, "definition");
    this.saga = Instance.initial(definition, ID, ID, state);
    apply(new Input.Start());
  }

  /**
   * Starts a saga; its first command is sent.
   *
   * @param <S> class of the state
   * @param definition the definition to run
   * @param state the initial state
   * @return new scenario
   */
  public static <S> SagaScenario<S> given(SagaDefinition<S> definition, S state) {
    return new SagaScenario<>(definition, state);
  }

  /**
   * The participant replies to the command of a step.
   *
   * @param step name of the step
   * @param reply content of the reply
   * @return this
   * @throws AssertionError if the saga refuses this reply
   */
  public SagaScenario<S> whenReply(String step, Object reply) {
    return apply(new Input.Reply(CommandIds.command(ID, requireStep(step)), reply));
  }

  /**
   * The participant replies to the last compensation of a step.
   *
   * @param step name of the step
   * @param reply content of the reply
   * @return this
   * @throws AssertionError if the saga refuses this reply
   */
  public SagaScenario<S> whenCompensationReply(String step, Object reply) {
    int round = saga.steps().get(definition.stepNames().indexOf(requireStep(step))).round();
    return apply(new Input.Reply(CommandIds.undo(ID, step, round), reply));
  }

  /**
   * Time passes; every timeout in it takes effect.
   *
   * @param duration time to pass
   * @return this
   */
  public SagaScenario<S> whenTimeElapses(Duration duration) {
    published.clear();
    Instant end = now.plus(duration);
    while (saga.wakeAt() != null && !saga.wakeAt().isAfter(end)) {
      now = saga.wakeAt();
      decide(new Input.TimerDue());
    }
    now = end;
    return this;
  }

  /**
   * An operator retries the parked saga.
   *
   * @return this
   * @throws AssertionError if the saga is not parked
   */
  public SagaScenario<S> whenRetried() {
    return apply(new Input.Retry("operator", "scenario"));
  }

  /**
   * An operator cancels the saga.
   *
   * @return this
   * @throws AssertionError if the saga can't be cancelled
   */
  public SagaScenario<S> whenCancelled() {
    return apply(new Input.Cancel("operator", "scenario"));
  }

  /**
   * Checks the commands and compensations that the last input published.
   *
   * @param commands expected, in order; empty for none
   * @return this
   * @throws AssertionError if others were published
   */
  public SagaScenario<S> thenPublishes(Object... commands) {
    return check("published", List.of(commands), published);
  }

  /**
   * Checks the status.
   *
   * @param status expected
   * @return this
   * @throws AssertionError if the status differs
   */
  public SagaScenario<S> thenStatus(SagaStatus status) {
    return check("status", status, saga.status());
  }

  /**
   * Checks the state.
   *
   * @param state expected, compared by {@code equals}
   * @return this
   * @throws AssertionError if the state differs
   */
  public SagaScenario<S> thenState(S state) {
    return check("state", state, saga.state());
  }

  /**
   * Checks the phase of a step.
   *
   * @param step name of the step
   * @param phase expected
   * @return this
   * @throws AssertionError if the phase differs
   */
  public SagaScenario<S> thenStep(String step, StepPhase phase) {
    int i = definition.stepNames().indexOf(requireStep(step));
    return check("phase of " + step, phase, saga.steps().get(i).phase());
  }

  private SagaScenario<S> apply(Input input) {
    published.clear();
    decide(input);
    return this;
  }

  private void decide(Input input) {
    Decision<S> decision = Decider.decide(definition, saga, input, now);
    if (decision instanceof Decision.Refuse<S> refuse) {
      throw new AssertionError("refused: " + refuse.reason());
    }
    if (decision instanceof Decision.Transition<S> transition) {
      saga = transition.next();
      for (Effect effect : transition.effects()) {
        if (effect instanceof Effect.Send send) {
          published.add(send.body());
        }
      }
    }
  }

  private String requireStep(String step) {
    if (!definition.stepNames().contains(step)) {
      throw new IllegalArgumentException(
          "step: " + step + " (expected: one of " + definition.stepNames() + ")");
    }
    return step;
  }

  private SagaScenario<S> check(String what, Object expected, Object found) {
    if (!expected.equals(found)) {
      throw new AssertionError(what + ": expected " + expected + " but found " + found);
    }
    return this;
  }
}
