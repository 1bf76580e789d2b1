package io.commslib.saga;

import io.commslib.saga.Decision.LogLine;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Builds the next instance for {@link Decider}. Confined to one decision. */
final class NextInstance<S> {

  private final SagaDefinition<S> definition;
  private final Instance<S> before;
  private final Instant now;
  private final List<StepState> steps;
  private final List<Effect> effects = new ArrayList<>();
  private final List<LogLine> log = new ArrayList<>();
  private SagaStatus status;
  private S state;
  private @Nullable Instant wakeAt;

  NextInstance(SagaDefinition<S> definition, Instance<S> before, Instant now) {
    this.definition = definition;
    this.before = before;
    this.now = now;
    this.steps = new ArrayList<>(before.steps());
    this.status = before.status();
    this.state = before.state();
    this.wakeAt = before.wakeAt();
  }

  StepState stepState(int i) {
    return steps.get(i);
  }

  void setStepState(int i, StepState at) {
    steps.set(i, at);
  }

  void state(S next) {
    state = Objects.requireNonNull(next, "state returned by the update function");
  }

  /** {@return the index of the step whose command is unanswered, or -1} */
  int sentStep() {
    return firstInPhase(StepPhase.SENT);
  }

  /** {@return the index of the step whose compensation is unanswered, or -1} */
  int undoingStep() {
    return firstInPhase(StepPhase.UNDOING);
  }

  private int firstInPhase(StepPhase phase) {
    for (int i = 0; i < steps.size(); i++) {
      if (steps.get(i).phase() == phase) {
        return i;
      }
    }
    return -1;
  }

  /** Starts step {@code i}, or completes the saga if there is none. */
  NextInstance<S> forward(int i) {
    return i < steps.size() ? command(i) : end(SagaStatus.COMPLETED);
  }

  NextInstance<S> command(int i) {
    setStepState(i, stepState(i).withPhase(StepPhase.SENT));
    return repeatCommand(i, 1);
  }

  NextInstance<S> repeatCommand(int i, int attempt) {
    Step<S> step = definition.steps().get(i);
    setStepState(i, stepState(i).withAttempt(attempt));
    send(step, step.command(), CommandIds.command(before.id(), step.name()), null);
    log(SagaLogEntry.Kind.SENT, i, attempt, "");
    return awaiting(SagaStatus.RUNNING, step.timeout());
  }

  /** Undoes the last step that needs it, or ends the saga as compensated if none does. */
  NextInstance<S> undoNext() {
    for (int i = steps.size() - 1; i >= 0; i--) {
      if (stepState(i).phase() == StepPhase.DONE && definition.steps().get(i).undo() != null) {
        return undo(i);
      }
    }
    return end(SagaStatus.COMPENSATED);
  }

  NextInstance<S> undo(int i) {
    setStepState(i, stepState(i).undoing());
    return repeatUndo(i, 1);
  }

  NextInstance<S> repeatUndo(int i, int attempt) {
    Step<S> step = definition.steps().get(i);
    Step.Undo<S> undo = Objects.requireNonNull(step.undo(), "undo");
    setStepState(i, stepState(i).withAttempt(attempt));
    send(
        step,
        undo.command(),
        CommandIds.undo(before.id(), step.name(), stepState(i).round()),
        CommandIds.command(before.id(), step.name()));
    log(SagaLogEntry.Kind.UNDO_SENT, i, attempt, "");
    return awaiting(SagaStatus.COMPENSATING, step.undoWait(attempt));
  }

  NextInstance<S> park(String reason, int i) {
    log(SagaLogEntry.Kind.PARKED, i, 0, reason);
    status = SagaStatus.PARKED;
    wakeAt = null;
    return this;
  }

  private NextInstance<S> end(SagaStatus end) {
    log.add(
        new LogLine(
            end == SagaStatus.COMPLETED
                ? SagaLogEntry.Kind.COMPLETED
                : SagaLogEntry.Kind.COMPENSATED,
            "",
            0,
            "",
            ""));
    effects.add(new Effect.End(end));
    status = end;
    wakeAt = null;
    return this;
  }

  private NextInstance<S> awaiting(SagaStatus direction, Duration timeout) {
    status = direction;
    wakeAt = now.plus(timeout);
    return this;
  }

  private void send(Step<S> step, Step.Call<S> call, String id, @Nullable String undoes) {
    Object body =
        Objects.requireNonNull(
            call.body().apply(state), () -> "command made by step " + step.name());
    String key = definition.key(state, before.businessKey());
    effects.add(new Effect.Send(id, call.to(), body, key, undoes));
  }

  void log(SagaLogEntry.Kind kind, int i, int attempt, String detail) {
    log.add(new LogLine(kind, stepName(i), attempt, "", detail));
  }

  void log(SagaLogEntry.Kind kind, int i, String actor, String detail) {
    log.add(new LogLine(kind, stepName(i), 0, actor, detail));
  }

  void log(SagaLogEntry.Kind kind, String actor, String detail) {
    log.add(new LogLine(kind, "", 0, actor, detail));
  }

  void log(SagaLogEntry.Kind kind, String detail) {
    log.add(new LogLine(kind, "", 0, "", detail));
  }

  private String stepName(int i) {
    return i < 0 ? "" : definition.steps().get(i).name();
  }

  Decision<S> toDecision() {
    return new Decision.Transition<>(
        new Instance<>(before.id(), before.businessKey(), status, steps, state, wakeAt),
        List.copyOf(effects),
        List.copyOf(log));
  }
}
