package io.commslib.saga;

import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * Plays a saga through replies and timeouts without a database, a broker or a clock, for tests of
 * definitions: the same state machine the engine runs, in microseconds.
 *
 * <p>The {@code when} methods move the saga, the {@code then} methods check the last move and throw
 * {@link AssertionError} with what was expected and what was found. Hooks are not called. Confined
 * to one thread.
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
   * Starts a saga: its first command is out.
   *
   * @param <S> class of the state
   * @param definition what to play
   * @param state the state it begins with
   * @return new scenario
   */
  public static <S> SagaScenario<S> given(SagaDefinition<S> definition, S state) {
    return new SagaScenario<>(definition, state);
  }

  /**
   * The participant answers the command of a step.
   *
   * @param step name of the step
   * @param reply the answer
   * @return this
   * @throws AssertionError if the saga refuses this reply
   */
  public SagaScenario<S> whenReply(String step, Object reply) {
    return apply(new Input.Reply(CommandIds.command(ID, requireStep(step)), reply));
  }

  /**
   * The participant answers the last compensation of a step.
   *
   * @param step name of the step
   * @param reply the answer
   * @return this
   * @throws AssertionError if the saga refuses this reply
   */
  public SagaScenario<S> whenCompensationReply(String step, Object reply) {
    int round = saga.steps().get(definition.stepNames().indexOf(requireStep(step))).round();
    return apply(new Input.Reply(CommandIds.undo(ID, step, round), reply));
  }

  /**
   * Time passes; every timeout on the way takes effect.
   *
   * @param duration how long
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
   * An operator has a parked saga go on.
   *
   * @return this
   * @throws AssertionError if it is not parked
   */
  public SagaScenario<S> whenRetried() {
    return apply(new Input.Retry("operator", "scenario"));
  }

  /**
   * An operator has the saga undone.
   *
   * @return this
   * @throws AssertionError if it can't be
   */
  public SagaScenario<S> whenCancelled() {
    return apply(new Input.Cancel("operator", "scenario"));
  }

  /**
   * Checks which commands and compensations the last move published.
   *
   * @param commands in order; none for none
   * @return this
   * @throws AssertionError if others were
   */
  public SagaScenario<S> thenPublishes(Object... commands) {
    return check("published", List.of(commands), published);
  }

  /**
   * Checks the status.
   *
   * @param status expected
   * @return this
   * @throws AssertionError if it is another
   */
  public SagaScenario<S> thenStatus(SagaStatus status) {
    return check("status", status, saga.status());
  }

  /**
   * Checks the state.
   *
   * @param state expected, compared by {@code equals}
   * @return this
   * @throws AssertionError if it is another
   */
  public SagaScenario<S> thenState(S state) {
    return check("state", state, saga.state());
  }

  /**
   * Checks where a step stands.
   *
   * @param step name of the step
   * @param phase expected
   * @return this
   * @throws AssertionError if it is another
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
    if (decision instanceof Decision.Transition<S> move) {
      saga = move.next();
      for (Effect effect : move.effects()) {
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
