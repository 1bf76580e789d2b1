package io.commslib.saga;

import static org.assertj.core.api.Assertions.assertThat;

import io.commslib.saga.TestSaga.Declined;
import io.commslib.saga.TestSaga.Held;
import io.commslib.saga.TestSaga.NotHeld;
import io.commslib.saga.TestSaga.Paid;
import io.commslib.saga.TestSaga.Sent;
import io.commslib.saga.TestSaga.State;
import io.commslib.saga.TestSaga.Unheld;
import io.commslib.saga.TestSaga.Unpaid;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SagaDecisionTest {

  private final SagaDefinition<State> definition = TestSaga.definition();
  private final State state = new State("o-1", "");

  private SagaInstance<State> reply(
      SagaInstance<State> at, String step, boolean undo, Object answer) {
    return SagaDecision.reply(definition, at, step, undo, answer).instance();
  }

  @Test
  void goesForwardStepByStep() {
    SagaDecision<State> started = SagaDecision.start(definition, state);
    assertThat(started.sends()).containsExactly(new SagaDecision.Send("hold", false));
    SagaInstance<State> held = reply(started.instance(), "hold", false, new Held("o-1"));
    SagaInstance<State> paid = reply(held, "pay", false, new Paid("o-1"));
    SagaInstance<State> sent = reply(paid, "send", false, new Sent("o-1"));
    assertThat(sent.progress().status()).isEqualTo(SagaStatus.COMPLETED);
    assertThat(sent.state().trail()).isEqualTo("held;paid;sent;");
    assertThat(sent.wakeIn()).isNull();
  }

  @Test
  void undoesWhatWasDoneWhenAStepIsRefused() {
    SagaInstance<State> held =
        reply(SagaDecision.start(definition, state).instance(), "hold", false, new Held("o"));
    SagaDecision<State> declined =
        SagaDecision.reply(definition, held, "pay", false, new Declined("o"));
    assertThat(declined.sends()).containsExactly(new SagaDecision.Send("hold", true));
    SagaInstance<State> undone = reply(declined.instance(), "hold", true, new Unheld("o"));
    assertThat(undone.progress().status()).isEqualTo(SagaStatus.COMPENSATED);
    assertThat(undone.progress().of("pay")).isEqualTo(StepState.REFUSED);
  }

  @Test
  void takesATimeoutForAnUnknownOutcomeAndUndoesThatStepToo() {
    SagaInstance<State> at =
        reply(SagaDecision.start(definition, state).instance(), "hold", false, new Held("o"));
    SagaDecision<State> again = SagaDecision.timeout(definition, at);
    assertThat(again.sends()).containsExactly(new SagaDecision.Send("pay", false));
    SagaDecision<State> gaveUp = SagaDecision.timeout(definition, again.instance());
    assertThat(gaveUp.sends()).containsExactly(new SagaDecision.Send("pay", true));
    SagaDecision<State> late =
        SagaDecision.reply(definition, gaveUp.instance(), "pay", false, new Paid("o"));
    assertThat(late.sends()).isEmpty();
    SagaDecision<State> unpaid =
        SagaDecision.reply(definition, late.instance(), "pay", true, new Unpaid("o"));
    assertThat(unpaid.sends()).containsExactly(new SagaDecision.Send("hold", true));
  }

  @Test
  void parksWhenAnUndoIsNeverAnsweredAndGoesOnWhenAsked() {
    SagaInstance<State> at =
        reply(SagaDecision.start(definition, state).instance(), "hold", false, new Held("o"));
    at = reply(at, "pay", false, new Declined("o"));
    at = SagaDecision.timeout(definition, at).instance();
    at = SagaDecision.timeout(definition, at).instance();
    assertThat(at.progress().status()).isEqualTo(SagaStatus.PARKED);
    SagaDecision<State> resumed = SagaDecision.resume(definition, at);
    assertThat(resumed.sends()).containsExactly(new SagaDecision.Send("hold", true));
    assertThat(resumed.instance().progress().status()).isEqualTo(SagaStatus.COMPENSATING);
  }

  /**
   * Every order of answers, refusals, timeouts and duplicates up to a depth, from every state
   * reached.
   */
  @Test
  void keepsItsInvariantsInEveryOrderOfEvents() {
    Set<SagaInstance<State>> seen = new HashSet<>();
    ArrayDeque<SagaInstance<State>> open =
        new ArrayDeque<>(List.of(SagaDecision.start(definition, state).instance()));
    int rest = 0;
    while (!open.isEmpty()) {
      SagaInstance<State> at = open.poll();
      if (!seen.add(at)) {
        continue;
      }
      assertInvariants(at);
      rest += at.progress().status().isTerminal() ? 1 : 0;
      for (SagaInstance<State> next : successors(at)) {
        boolean moved = !next.progress().equals(at.progress());
        if (at.progress().status().isTerminal()) {
          assertThat(moved).as("%s after %s", next, at).isFalse();
        }
        if (moved) {
          open.add(next);
        }
      }
    }
    assertThat(seen).hasSizeGreaterThan(20);
    assertThat(rest).isGreaterThanOrEqualTo(2);
  }

  private List<SagaInstance<State>> successors(SagaInstance<State> at) {
    List<SagaInstance<State>> next = new ArrayList<>();
    Map<String, List<Object>> answers =
        Map.of(
            "hold", List.of(new Held("o"), new NotHeld("o")),
            "pay", List.of(new Paid("o"), new Declined("o")),
            "send", List.of(new Sent("o")));
    answers.forEach(
        (step, all) -> {
          // Only a command that was sent can be answered.
          if (at.progress().of(step) != StepState.PENDING) {
            all.forEach(answer -> next.add(reply(at, step, false, answer)));
          }
        });
    if (at.progress().of("hold") == StepState.UNDOING
        || at.progress().of("hold") == StepState.UNDONE) {
      next.add(reply(at, "hold", true, new Unheld("o")));
    }
    if (at.progress().of("pay") == StepState.UNDOING
        || at.progress().of("pay") == StepState.UNDONE) {
      next.add(reply(at, "pay", true, new Unpaid("o")));
    }
    next.add(SagaDecision.timeout(definition, at).instance());
    next.add(SagaDecision.resume(definition, at).instance());
    return next;
  }

  private static void assertInvariants(SagaInstance<State> at) {
    SagaInstance.Progress progress = at.progress();
    if (!progress.status().isAtRest() && progress.attempt() > 0) {
      assertThat(at.wakeIn()).as("a live saga has a wake-up time: %s", at).isNotNull();
    }
    if (progress.status() == SagaStatus.COMPLETED) {
      assertThat(progress.steps().values()).containsOnly(StepState.DONE);
    }
    if (progress.status() == SagaStatus.COMPENSATED) {
      assertThat(progress.steps().values())
          .isSubsetOf(StepState.PENDING, StepState.REFUSED, StepState.UNDONE);
    }
  }
}
