package io.commslib.saga;

import java.time.Instant;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * The state machine: a pure function without clock, I/O or randomness. The same input to the same
 * instance gives the same decision, so a write conflict is resolved by reloading and deciding
 * again.
 *
 * <p>Rules. A step is undone if it succeeded or if its outcome is unknown, later steps first. An
 * undo that was sent before success became known may have reached the participant before the
 * effect. Such an undo does not count: the step is undone once more under a new id. A pivot and the
 * steps after it are never abandoned: without a reply the saga is parked.
 */
final class Decider {

  private Decider() {}

  static <S> Decision<S> decide(
      SagaDefinition<S> definition, Instance<S> saga, Input input, Instant now) {
    NextInstance<S> next = new NextInstance<>(definition, saga, now);
    if (input instanceof Input.Start) {
      return start(saga, next);
    }
    if (input instanceof Input.Reply reply) {
      return reply(definition, saga, reply, next);
    }
    if (input instanceof Input.TimerDue) {
      return timer(definition, saga, now, next);
    }
    if (input instanceof Input.Retry retry) {
      return retry(saga, retry, next);
    }
    if (input instanceof Input.Resolve resolve) {
      return resolve(saga, resolve, next);
    }
    return cancel(definition, saga, (Input.Cancel) input, next);
  }

  private static <S> Decision<S> start(Instance<S> saga, NextInstance<S> next) {
    if (saga.wakeAt() != null || saga.status() != SagaStatus.RUNNING) {
      return new Decision.Refuse<>("started already");
    }
    next.log(SagaLogEntry.Kind.STARTED, "");
    return next.command(0).toDecision();
  }

  private static <S> Decision<S> reply(
      SagaDefinition<S> definition, Instance<S> saga, Input.Reply reply, NextInstance<S> next) {
    for (int i = 0; i < definition.steps().size(); i++) {
      Step<S> step = definition.steps().get(i);
      StepState at = saga.steps().get(i);
      if (at.phase() == StepPhase.PENDING) {
        continue;
      }
      if (reply.commandId().equals(CommandIds.command(saga.id(), step.name()))) {
        return commandReply(step, i, at, reply.body(), saga, next);
      }
      for (int round = at.round(); round > 0; round--) {
        if (reply.commandId().equals(CommandIds.undo(saga.id(), step.name(), round))) {
          return undoReply(step, i, at, round, reply.body(), saga, next);
        }
      }
    }
    return new Decision.Refuse<>("UNEXPECTED_REPLY: answers no command of this saga");
  }

  private static <S> Decision<S> commandReply(
      Step<S> step, int i, StepState at, Object body, Instance<S> saga, NextInstance<S> next) {
    BiFunction<S, Object, S> success = step.replies().get(body.getClass());
    if (success != null) {
      return success(step, i, at, success, body, saga, next);
    }
    BiFunction<S, Object, S> refusal = step.refusals().get(body.getClass());
    if (refusal == null) {
      return wrongClass(step, body);
    }
    if (at.phase() != StepPhase.SENT) {
      return new Decision.Ignore<>("refusal of a step that is " + at.phase());
    }
    next.state(refusal.apply(saga.state(), body));
    next.setStepState(i, at.withPhase(StepPhase.REFUSED));
    next.log(SagaLogEntry.Kind.REFUSED, i, 0, body.getClass().getSimpleName());
    return next.undoNext().toDecision();
  }

  private static <S> Decision<S> success(
      Step<S> step,
      int i,
      StepState at,
      BiFunction<S, Object, S> update,
      Object body,
      Instance<S> saga,
      NextInstance<S> next) {
    if (at.successKnown()) {
      return new Decision.Ignore<>("success is already known");
    }
    if (at.phase() == StepPhase.SENT) {
      next.state(update.apply(saga.state(), body));
      next.setStepState(i, at.succeeded());
      next.log(SagaLogEntry.Kind.SUCCEEDED, i, 0, body.getClass().getSimpleName());
      return next.forward(i + 1).toDecision();
    }
    if (step.undo() == null) {
      return step.kind() == StepKind.READ_ONLY
          ? new Decision.Ignore<>("success of a read-only step that was abandoned")
          : new Decision.Refuse<>("CONTRADICTION: success after refusal of pivot " + step.name());
    }
    next.state(update.apply(saga.state(), body));
    next.log(SagaLogEntry.Kind.LATE_SUCCESS, i, 0, body.getClass().getSimpleName());
    next.setStepState(i, at.succeeded());
    // If another step is being undone, that undo continues first (a parked one stays parked);
    // undoNext() finds this step afterwards.
    boolean otherPending = next.undoingStep() >= 0;
    return otherPending ? next.toDecision() : next.undoNext().toDecision();
  }

  private static <S> Decision<S> undoReply(
      Step<S> step,
      int i,
      StepState at,
      int round,
      Object body,
      Instance<S> saga,
      NextInstance<S> next) {
    BiFunction<S, Object, S> update =
        step.undo() == null ? null : step.undo().replies().get(body.getClass());
    if (update == null) {
      return wrongClass(step, body);
    }
    if (at.phase() != StepPhase.UNDOING || round != at.round()) {
      return new Decision.Ignore<>("undo " + round + " of a step that is " + at.phase());
    }
    next.state(update.apply(saga.state(), body));
    next.setStepState(i, at.withPhase(StepPhase.UNDONE));
    next.log(SagaLogEntry.Kind.UNDONE, i, 0, body.getClass().getSimpleName());
    return next.undoNext().toDecision();
  }

  private static <S> Decision<S> wrongClass(Step<S> step, Object body) {
    return new Decision.Refuse<>(
        "UNEXPECTED_REPLY: "
            + body.getClass().getSimpleName()
            + " is no reply of step "
            + step.name());
  }

  private static <S> Decision<S> timer(
      SagaDefinition<S> definition, Instance<S> saga, Instant now, NextInstance<S> next) {
    if (saga.wakeAt() == null || now.isBefore(saga.wakeAt())) {
      return new Decision.Ignore<>("not due");
    }
    int undoing = next.undoingStep();
    if (undoing >= 0) {
      StepState at = saga.steps().get(undoing);
      Step.Undo<S> undo = definition.steps().get(undoing).undo();
      return undo != null && at.attempt() < undo.attempts()
          ? next.repeatUndo(undoing, at.attempt() + 1).toDecision()
          : next.park("compensation of step unanswered", undoing).toDecision();
    }
    int sent = next.sentStep();
    if (sent < 0) {
      return next.park("nothing awaited", -1).toDecision();
    }
    Step<S> step = definition.steps().get(sent);
    StepState at = saga.steps().get(sent);
    if (at.attempt() < step.attempts()) {
      return next.repeatCommand(sent, at.attempt() + 1).toDecision();
    }
    next.log(SagaLogEntry.Kind.TIMED_OUT, sent, at.attempt(), "");
    return undoUnknownOutcome(step.kind(), sent, next);
  }

  /** Undoes a step whose outcome is unknown if its kind allows that; otherwise parks the saga. */
  private static <S> Decision<S> undoUnknownOutcome(StepKind kind, int sent, NextInstance<S> next) {
    switch (kind) {
      case COMPENSATABLE:
        return next.undo(sent).toDecision();
      case READ_ONLY:
        next.setStepState(sent, next.stepState(sent).withPhase(StepPhase.UNDONE));
        return next.undoNext().toDecision();
      default:
        return next.park("outcome of step unknown, and it can't be undone", sent).toDecision();
    }
  }

  private static <S> Decision<S> retry(Instance<S> saga, Input.Retry retry, NextInstance<S> next) {
    @Nullable Decision<S> refused = refuseUnlessParked(saga);
    if (refused != null) {
      return refused;
    }
    next.log(SagaLogEntry.Kind.RETRIED, retry.actor(), retry.reason());
    int undoing = next.undoingStep();
    if (undoing >= 0) {
      return next.repeatUndo(undoing, 1).toDecision();
    }
    int sent = next.sentStep();
    return sent < 0
        ? new Decision.Refuse<>("nothing is pending")
        : next.repeatCommand(sent, 1).toDecision();
  }

  private static <S> Decision<S> resolve(
      Instance<S> saga, Input.Resolve resolve, NextInstance<S> next) {
    @Nullable Decision<S> refused = refuseUnlessParked(saga);
    if (refused != null) {
      return refused;
    }
    int undoing = next.undoingStep();
    int pending = undoing >= 0 ? undoing : next.sentStep();
    if (pending < 0) {
      return new Decision.Refuse<>("nothing is pending");
    }
    next.log(SagaLogEntry.Kind.RESOLVED, pending, resolve.actor(), resolve.reason());
    if (undoing >= 0) {
      next.setStepState(undoing, next.stepState(undoing).withPhase(StepPhase.UNDONE));
      return next.undoNext().toDecision();
    }
    next.setStepState(pending, next.stepState(pending).succeeded());
    return next.forward(pending + 1).toDecision();
  }

  private static <S> @Nullable Decision<S> refuseUnlessParked(Instance<S> saga) {
    return saga.status() == SagaStatus.PARKED
        ? null
        : new Decision.Refuse<>("it is " + saga.status() + ", not PARKED");
  }

  private static <S> Decision<S> cancel(
      SagaDefinition<S> definition, Instance<S> saga, Input.Cancel cancel, NextInstance<S> next) {
    int sent = next.sentStep();
    if (sent < 0 || next.undoingStep() >= 0) {
      return new Decision.Refuse<>("it is " + saga.status() + ", not going forward");
    }
    StepKind kind = definition.steps().get(sent).kind();
    if (kind == StepKind.PIVOT || kind == StepKind.RETRIABLE) {
      return new Decision.Refuse<>(
          "step " + definition.steps().get(sent).name() + " can't be undone");
    }
    next.log(SagaLogEntry.Kind.CANCELLED, cancel.actor(), cancel.reason());
    return undoUnknownOutcome(kind, sent, next);
  }
}
