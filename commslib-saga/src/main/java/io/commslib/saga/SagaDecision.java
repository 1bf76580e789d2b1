package io.commslib.saga;

import io.commslib.saga.SagaInstance.Progress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiFunction;
import org.jspecify.annotations.Nullable;

/**
 * What a saga does next: a pure function of definition, instance and input, without clock, store or
 * thread. So every order of answers, timeouts and crashes can be tried in a test.
 *
 * @param instance the saga afterwards; the same object if nothing changed
 * @param sends commands to send with it
 * @param log what to write down
 */
record SagaDecision<S>(SagaInstance<S> instance, List<Send> sends, List<LogLine> log) {

  /** A command to send: of which step, forward or undo. */
  record Send(String step, boolean undo) {}

  /** One line of the saga's log. */
  record LogLine(String kind, String step, int attempt) {}

  static <S> SagaDecision<S> start(SagaDefinition<S> definition, S state) {
    Map<String, StepState> steps = new LinkedHashMap<>();
    definition.steps().forEach(step -> steps.put(step.name(), StepState.PENDING));
    String first = definition.steps().get(0).name();
    SagaInstance<S> born =
        new SagaInstance<>(new Progress(SagaStatus.RUNNING, first, 0, steps), state, Duration.ZERO);
    return new Draft<>(definition, born).send(first, 1).end();
  }

  /** An answer to the command, or the undo, of a step. */
  static <S> SagaDecision<S> reply(
      SagaDefinition<S> definition,
      SagaInstance<S> instance,
      String step,
      boolean undo,
      Object answer) {
    return new Draft<>(definition, instance).reply(step, undo, answer).end();
  }

  /** The wake-up time has come. */
  static <S> SagaDecision<S> timeout(SagaDefinition<S> definition, SagaInstance<S> instance) {
    return new Draft<>(definition, instance).timeout().end();
  }

  /** A person asks a parked saga to go on. */
  static <S> SagaDecision<S> resume(SagaDefinition<S> definition, SagaInstance<S> instance) {
    return new Draft<>(definition, instance).resume().end();
  }

  private static final class Draft<S> {
    private final SagaDefinition<S> definition;
    private final List<Send> sends = new ArrayList<>();
    private final List<LogLine> log = new ArrayList<>();
    private Progress progress;
    private S state;
    private @Nullable Duration wakeIn;

    Draft(SagaDefinition<S> definition, SagaInstance<S> instance) {
      this.definition = definition;
      this.progress = instance.progress();
      this.state = instance.state();
      this.wakeIn = instance.wakeIn();
    }

    SagaDecision<S> end() {
      return new SagaDecision<>(
          new SagaInstance<>(progress, state, wakeIn), List.copyOf(sends), List.copyOf(log));
    }

    Draft<S> reply(String name, boolean undo, Object answer) {
      SagaStep<S> step = definition.step(name);
      if (undo) {
        return undone(step, answer);
      }
      BiFunction<S, Object, S> accepted = step.replies().accepted().get(answer.getClass());
      BiFunction<S, Object, S> refused = step.replies().refused().get(answer.getClass());
      if (accepted == null && refused == null) {
        return note("unexpected-reply", name, 0);
      }
      // A saga parked because this step's outcome was unknown waits for nothing but this answer, or
      // a person.
      boolean awaited =
          progress.status() == SagaStatus.RUNNING
              || (progress.status() == SagaStatus.PARKED && progress.of(name) == StepState.UNKNOWN);
      boolean current = awaited && progress.step().equals(name);
      if (!current) {
        return late(name);
      }
      if (accepted != null) {
        state = accepted.apply(state, answer);
        progress = progress.with(name, StepState.DONE);
        note("done", name, progress.attempt());
        return forward(name);
      }
      state = refused.apply(state, answer);
      progress = progress.with(name, StepState.REFUSED);
      note("refused", name, progress.attempt());
      return backward();
    }

    /**
     * An answer nobody waits for: a duplicate, or one that comes after the step was given up and is
     * being undone. A late success needs nothing: a step of unknown outcome is undone like one that
     * was done.
     */
    private Draft<S> late(String name) {
      return note(
          progress.of(name) == StepState.UNDOING ? "late-reply" : "duplicate-reply", name, 0);
    }

    private Draft<S> forward(String done) {
      int next = 1 + names().indexOf(done);
      if (next < names().size()) {
        return send(names().get(next), 1);
      }
      return rest(SagaStatus.COMPLETED);
    }

    /** Undoes the latest step that has, or may have, taken effect. */
    private Draft<S> backward() {
      if (isPastPivot()) {
        return rest(SagaStatus.PARKED);
      }
      for (int i = names().size() - 1; i >= 0; i--) {
        SagaStep<S> step = definition.steps().get(i);
        StepState known = progress.of(step.name());
        boolean took = known == StepState.DONE || known == StepState.UNKNOWN;
        if (took && step.undo() != null) {
          return sendUndo(step, 1);
        }
        if (known == StepState.UNKNOWN && !step.limits().readOnly()) {
          // It may have taken effect and can't be undone: only a person can find out.
          return rest(SagaStatus.PARKED);
        }
      }
      return rest(SagaStatus.COMPENSATED);
    }

    private boolean isPastPivot() {
      return definition.steps().stream()
          .anyMatch(
              step -> {
                StepState known = progress.of(step.name());
                return step.limits().pivot()
                    && (known == StepState.DONE || known == StepState.UNKNOWN);
              });
    }

    private Draft<S> undone(SagaStep<S> step, Object answer) {
      boolean awaited = progress.of(step.name()) == StepState.UNDOING;
      if (!awaited || !step.replies().undone().containsKey(answer.getClass())) {
        return note(awaited ? "unexpected-reply" : "duplicate-reply", step.name(), 0);
      }
      progress = progress.with(step.name(), StepState.UNDONE);
      note("undone", step.name(), progress.attempt());
      return backward();
    }

    Draft<S> timeout() {
      if (progress.status().isAtRest()) {
        return this;
      }
      SagaStep<S> step = definition.step(progress.step());
      int next = progress.attempt() + 1;
      boolean again = next <= step.limits().attempts();
      note("timeout", step.name(), progress.attempt());
      if (progress.status() == SagaStatus.COMPENSATING) {
        return again ? sendUndo(step, next) : rest(SagaStatus.PARKED);
      }
      if (again) {
        return send(step.name(), next);
      }
      progress = progress.with(step.name(), StepState.UNKNOWN);
      return backward();
    }

    Draft<S> resume() {
      if (progress.status() != SagaStatus.PARKED) {
        return this;
      }
      SagaStep<S> step = definition.step(progress.step());
      note("resumed", step.name(), 0);
      return progress.of(step.name()) == StepState.UNDOING
          ? sendUndo(step, 1)
          : send(step.name(), 1);
    }

    Draft<S> send(String name, int attempt) {
      progress = progress.with(name, StepState.SENT).at(SagaStatus.RUNNING, name, attempt);
      return sent(definition.step(name), attempt, false);
    }

    private Draft<S> sendUndo(SagaStep<S> step, int attempt) {
      progress =
          progress
              .with(step.name(), StepState.UNDOING)
              .at(SagaStatus.COMPENSATING, step.name(), attempt);
      return sent(step, attempt, true);
    }

    private Draft<S> sent(SagaStep<S> step, int attempt, boolean undo) {
      wakeIn = step.limits().timeout();
      sends.add(new Send(step.name(), undo));
      return note(undo ? "undo-sent" : "sent", step.name(), attempt);
    }

    private Draft<S> rest(SagaStatus status) {
      progress = progress.at(status, progress.step(), progress.attempt());
      wakeIn = null;
      return note(
          status.name().toLowerCase(java.util.Locale.ROOT), progress.step(), progress.attempt());
    }

    private Draft<S> note(String kind, String step, int attempt) {
      log.add(new LogLine(kind, step, attempt));
      return this;
    }

    private List<String> names() {
      return definition.steps().stream().map(SagaStep::name).toList();
    }
  }
}
