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
 * Walks every order in which commands, replies, refusals, timeouts, duplicates and losses can meet
 * a saga of three steps, up to a bound, with participants that remember what they were asked. A
 * crash is a message that comes again, because a decision commits whole or not at all.
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

  /** What one participant knows: the answer it gave, what it did, which undos it has seen. */
  record Participant(String answer, boolean effect, Set<Integer> undos) {}

  /** A message under way: round 0 is the command, others are undos; reply is empty for commands. */
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
    // duplicates, losses, whether participants remember an undo that came first, cancels
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
  void reachesParkedOnTheWay() {
    tombstones = true;
    explore(0, 0);
    assertThat(seen).anyMatch(w -> w.saga().status() == SagaStatus.PARKED);
  }

  private void explore(int duplicates, int losses) {
    Instance<String> unborn = Instance.initial(SAGA, "s", "key", "state");
    List<Participant> parties = new ArrayList<>();
    for (int i = 0; i < STEPS; i++) {
      parties.add(new Participant("", false, Set.of()));
    }
    SystemState world =
        new SystemState(unborn, parties, new TreeMap<>(), duplicates, losses, losses);
    reach(decide(world, new Input.Start()));
    while (!unexplored.isEmpty()) {
      SystemState next = unexplored.poll();
      check(next);
      expand(next);
    }
  }

  private void reach(SystemState world) {
    if (seen.add(world)) {
      unexplored.add(world);
      if (seen.size() > 3_000_000) {
        fail("more worlds than expected");
      }
    }
  }

  private void check(SystemState world) {
    Instance<String> saga = world.saga();
    assertThat(saga.wakeAt() == null).as("%s", world).isEqualTo(saga.status().isAtRest());
    boolean back =
        saga.status() == SagaStatus.COMPENSATING || saga.status() == SagaStatus.COMPENSATED;
    if (back && world.participants().get(PIVOT).effect()) {
      fail("undoes after the pivot: " + world);
    }
    if (!world.inFlight().isEmpty() || !saga.status().isAtRest()) {
      return;
    }
    if (saga.status() == SagaStatus.PARKED && world.retries() > 0) {
      return;
    }
    quiescent.merge(saga.status(), 1, Integer::sum);
    boolean completed = saga.status() == SagaStatus.COMPLETED;
    assertThat(world.participants()).as("%s", world).allMatch(party -> party.effect() == completed);
  }

  private void expand(SystemState world) {
    if (world.saga().wakeAt() != null) {
      reach(decide(world, new Input.TimerDue()));
    }
    if (cancels) {
      reach(decide(world, new Input.Cancel("a", "r")));
    }
    if (world.saga().status() == SagaStatus.PARKED
        && world.inFlight().isEmpty()
        && world.retries() > 0) {
      SystemState used =
          new SystemState(
              world.saga(),
              world.participants(),
              world.inFlight(),
              world.duplicates(),
              world.losses(),
              world.retries() - 1);
      reach(decide(used, new Input.Retry("a", "r")));
    }
    for (InFlight wire : world.inFlight().keySet()) {
      deliver(take(world, wire, 0, 0), wire);
      if (world.duplicates() > 0) {
        deliver(take(world, wire, 1, 0), wire);
      }
      if (world.losses() > 0) {
        reach(take(world, wire, 0, 1));
      }
    }
  }

  private static SystemState take(SystemState world, InFlight wire, int duplicate, int loss) {
    Map<InFlight, Integer> wires = new TreeMap<>(world.inFlight());
    if (duplicate == 0) {
      wires.computeIfPresent(wire, (w, n) -> n == 1 ? null : n - 1);
    }
    return new SystemState(
        world.saga(),
        world.participants(),
        wires,
        world.duplicates() - duplicate,
        world.losses() - loss,
        world.retries());
  }

  private void deliver(SystemState world, InFlight wire) {
    if (!wire.reply().isEmpty()) {
      String step = "s" + wire.step();
      String id =
          wire.round() == 0
              ? CommandIds.command("s", step)
              : CommandIds.undo("s", step, wire.round());
      Object body =
          wire.reply().equals("ok")
              ? new Ok()
              : wire.reply().equals("no") ? new No() : new Undone();
      reach(decide(world, new Input.Reply(id, body)));
      return;
    }
    Participant party = world.participants().get(wire.step());
    if (wire.round() > 0) {
      Set<Integer> undos = new HashSet<>(party.undos());
      boolean first = undos.add(wire.round());
      boolean effect = !first && party.effect();
      reach(withReply(world, wire, new Participant(party.answer(), effect, undos), "undone"));
    } else if (!party.answer().isEmpty()) {
      reach(withReply(world, wire, party, party.answer()));
    } else {
      reach(withReply(world, wire, new Participant("no", false, party.undos()), "no"));
      if (!tombstones || party.undos().isEmpty()) {
        reach(withReply(world, wire, new Participant("ok", true, party.undos()), "ok"));
      }
    }
  }

  private static SystemState withReply(
      SystemState world, InFlight wire, Participant party, String reply) {
    List<Participant> parties = new ArrayList<>(world.participants());
    parties.set(wire.step(), party);
    Map<InFlight, Integer> wires = new TreeMap<>(world.inFlight());
    wires.merge(new InFlight(wire.step(), wire.round(), reply), 1, Integer::sum);
    return new SystemState(
        world.saga(), parties, wires, world.duplicates(), world.losses(), world.retries());
  }

  private static SystemState decide(SystemState world, Input input) {
    Instant now = world.saga().wakeAt() == null ? NOW : world.saga().wakeAt();
    Decision<String> decision = Decider.decide(SAGA, world.saga(), input, now);
    if (decision instanceof Decision.Refuse<String> refuse && !(input instanceof Input.Cancel)) {
      fail(refuse.reason() + " on " + input + " in " + world);
    }
    if (!(decision instanceof Decision.Transition<String> move)) {
      return world;
    }
    Map<InFlight, Integer> wires = new TreeMap<>(world.inFlight());
    for (Effect effect : move.effects()) {
      if (effect instanceof Effect.Send send) {
        wires.merge(inFlight(send), 1, Integer::sum);
      }
    }
    Instance<String> next = move.next();
    // Which instant it is makes no difference to the rules: one world for all of them.
    Instance<String> timeless =
        new Instance<>(
            next.id(),
            next.businessKey(),
            next.status(),
            next.steps(),
            next.state(),
            next.wakeAt() == null ? null : NOW);
    return new SystemState(
        timeless, world.participants(), wires, world.duplicates(), world.losses(), world.retries());
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
