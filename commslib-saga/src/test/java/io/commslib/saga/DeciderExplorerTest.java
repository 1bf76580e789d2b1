package io.commslib.saga;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.commslib.core.messaging.Destination;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Explores every order of commands, replies, refusals, timeouts, duplicates and losses for a saga
 * of three steps, up to a bound, with participants that remember their commands. A crash equals a
 * redelivered message, because a decision commits as a whole or not at all.
 */
class DeciderExplorerTest {

  record Ok() {}

  record No() {}

  record Undone() {}

  private static final Destination TO = Destination.queue("q");
  private static final Instant NOW = Instant.parse("2026-11-20T10:00:00Z");
  private static final int STEPS = 3;
  private static final int PIVOT = 2;

  private static final SagaDefinition<String> SAGA =
      undoable(undoable(SagaDefinition.builder("x", 1, String.class).step("s0")).step("s1"))
          .step("s2")
          .command(TO, s -> "do")
          .onReply(Ok.class, (s, r) -> s)
          .refusedBy(No.class, (s, r) -> s)
          .attempts(2)
          .build();

  private static StepBuilder<String> undoable(StepBuilder<String> step) {
    return step.command(TO, s -> "do")
        .onReply(Ok.class, (s, r) -> s)
        .refusedBy(No.class, (s, r) -> s)
        .compensate(TO, s -> "undo")
        .compensatedBy(Undone.class)
        .attempts(2)
        .compensationAttempts(2)
        .timeout(Duration.ofSeconds(1));
  }

  /** State of a participant: its reply, whether its effect exists, and the undos it received. */
  record Participant(String answer, boolean effect, Set<Integer> undos) {}

  /** A message in flight: round 0 is the command, others are undos; reply is empty for commands. */
  record InFlight(int step, int round, String reply) implements Comparable<InFlight> {
    @Override
    public int compareTo(InFlight other) {
      return (step + "/" + round + reply).compareTo(other.step + "/" + other.round + other.reply);
    }
  }

  record SystemState(
      Instance<String> saga,
      List<Participant> participants,
      Map<InFlight, Integer> inFlight,
      int duplicates,
      int losses,
      int retries) {}

  private boolean tombstones;
  private boolean cancels;
  private final Set<SystemState> seen = new HashSet<>();
  private final Deque<SystemState> unexplored = new ArrayDeque<>();
  private final Map<SagaStatus, Integer> quiescent = new TreeMap<>();

  @ParameterizedTest
  @CsvSource({
    // duplicates, losses, whether participants remember an undo that arrived first, cancels
    "1, 0, true, false",
    "1, 0, false, false",
    "0, 1, true, false",
    "0, 0, true, true",
    "0, 0, false, true",
  })
  void endsCompletedOrWithEveryStartedStepUndone(
      int duplicates, int losses, boolean tombstones, boolean cancels) {
    this.tombstones = tombstones;
    this.cancels = cancels;
    explore(duplicates, losses);
    assertThat(quiescent.keySet()).containsExactly(SagaStatus.COMPLETED, SagaStatus.COMPENSATED);
    assertThat(seen).hasSizeGreaterThan(1_000);
  }

  @Test
  void reachesParkedBeforeTheEnd() {
    tombstones = true;
    explore(0, 0);
    assertThat(seen).anyMatch(state -> state.saga().status() == SagaStatus.PARKED);
  }

  private void explore(int duplicates, int losses) {
    Instance<String> initial = Instance.initial(SAGA, "s", "key", "state");
    List<Participant> participants = new ArrayList<>();
    for (int i = 0; i < STEPS; i++) {
      participants.add(new Participant("", false, Set.of()));
    }
    SystemState system =
        new SystemState(initial, participants, new TreeMap<>(), duplicates, losses, losses);
    reach(decide(system, new Input.Start()));
    while (!unexplored.isEmpty()) {
      SystemState next = unexplored.poll();
      check(next);
      expand(next);
    }
  }

  private void reach(SystemState system) {
    if (seen.add(system)) {
      unexplored.add(system);
      if (seen.size() > 3_000_000) {
        fail("more states than expected");
      }
    }
  }

  private void check(SystemState system) {
    Instance<String> saga = system.saga();
    assertThat(saga.wakeAt() == null).as("%s", system).isEqualTo(saga.status().isAtRest());
    boolean back =
        saga.status() == SagaStatus.COMPENSATING || saga.status() == SagaStatus.COMPENSATED;
    if (back && system.participants().get(PIVOT).effect()) {
      fail("undoes after the pivot: " + system);
    }
    if (!system.inFlight().isEmpty() || !saga.status().isAtRest()) {
      return;
    }
    if (saga.status() == SagaStatus.PARKED && system.retries() > 0) {
      return;
    }
    quiescent.merge(saga.status(), 1, Integer::sum);
    boolean completed = saga.status() == SagaStatus.COMPLETED;
    assertThat(system.participants())
        .as("%s", system)
        .allMatch(participant -> participant.effect() == completed);
  }

  private void expand(SystemState system) {
    if (system.saga().wakeAt() != null) {
      reach(decide(system, new Input.TimerDue()));
    }
    if (cancels) {
      reach(decide(system, new Input.Cancel("a", "r")));
    }
    if (system.saga().status() == SagaStatus.PARKED
        && system.inFlight().isEmpty()
        && system.retries() > 0) {
      SystemState used =
          new SystemState(
              system.saga(),
              system.participants(),
              system.inFlight(),
              system.duplicates(),
              system.losses(),
              system.retries() - 1);
      reach(decide(used, new Input.Retry("a", "r")));
    }
    for (InFlight message : system.inFlight().keySet()) {
      deliver(take(system, message, 0, 0), message);
      if (system.duplicates() > 0) {
        deliver(take(system, message, 1, 0), message);
      }
      if (system.losses() > 0) {
        reach(take(system, message, 0, 1));
      }
    }
  }

  private static SystemState take(SystemState system, InFlight message, int duplicate, int loss) {
    Map<InFlight, Integer> messages = new TreeMap<>(system.inFlight());
    if (duplicate == 0) {
      messages.computeIfPresent(message, (w, n) -> n == 1 ? null : n - 1);
    }
    return new SystemState(
        system.saga(),
        system.participants(),
        messages,
        system.duplicates() - duplicate,
        system.losses() - loss,
        system.retries());
  }

  private void deliver(SystemState system, InFlight message) {
    if (!message.reply().isEmpty()) {
      String step = "s" + message.step();
      String id =
          message.round() == 0
              ? CommandIds.command("s", step)
              : CommandIds.undo("s", step, message.round());
      Object body =
          message.reply().equals("ok")
              ? new Ok()
              : message.reply().equals("no") ? new No() : new Undone();
      reach(decide(system, new Input.Reply(id, body)));
      return;
    }
    Participant participant = system.participants().get(message.step());
    if (message.round() > 0) {
      Set<Integer> undos = new HashSet<>(participant.undos());
      boolean first = undos.add(message.round());
      boolean effect = !first && participant.effect();
      reach(
          withReply(
              system, message, new Participant(participant.answer(), effect, undos), "undone"));
    } else if (!participant.answer().isEmpty()) {
      reach(withReply(system, message, participant, participant.answer()));
    } else {
      reach(withReply(system, message, new Participant("no", false, participant.undos()), "no"));
      if (!tombstones || participant.undos().isEmpty()) {
        reach(withReply(system, message, new Participant("ok", true, participant.undos()), "ok"));
      }
    }
  }

  private static SystemState withReply(
      SystemState system, InFlight message, Participant participant, String reply) {
    List<Participant> participants = new ArrayList<>(system.participants());
    participants.set(message.step(), participant);
    Map<InFlight, Integer> messages = new TreeMap<>(system.inFlight());
    messages.merge(new InFlight(message.step(), message.round(), reply), 1, Integer::sum);
    return new SystemState(
        system.saga(),
        participants,
        messages,
        system.duplicates(),
        system.losses(),
        system.retries());
  }

  private static SystemState decide(SystemState system, Input input) {
    Instant now = system.saga().wakeAt() == null ? NOW : system.saga().wakeAt();
    Decision<String> decision = Decider.decide(SAGA, system.saga(), input, now);
    if (decision instanceof Decision.Refuse<String> refuse && !(input instanceof Input.Cancel)) {
      fail(refuse.reason() + " on " + input + " in " + system);
    }
    if (!(decision instanceof Decision.Transition<String> move)) {
      return system;
    }
    Map<InFlight, Integer> messages = new TreeMap<>(system.inFlight());
    for (Effect effect : move.effects()) {
      if (effect instanceof Effect.Send send) {
        messages.merge(inFlight(send), 1, Integer::sum);
      }
    }
    Instance<String> next = move.next();
    // The rules do not depend on the instant, so one state stands for all instants.
    Instance<String> timeless =
        new Instance<>(
            next.id(),
            next.businessKey(),
            next.status(),
            next.steps(),
            next.state(),
            next.wakeAt() == null ? null : NOW);
    return new SystemState(
        timeless,
        system.participants(),
        messages,
        system.duplicates(),
        system.losses(),
        system.retries());
  }

  private static InFlight inFlight(Effect.Send send) {
    for (int step = 0; step < STEPS; step++) {
      if (send.messageId().equals(CommandIds.command("s", "s" + step))) {
        return new InFlight(step, 0, "");
      }
      for (int round = 1; round < 10; round++) {
        if (send.messageId().equals(CommandIds.undo("s", "s" + step, round))) {
          return new InFlight(step, round, "");
        }
      }
    }
    throw new AssertionError("id of no step: " + send);
  }
}
