package io.commslib.saga;

import static io.commslib.saga.SagaStatus.COMPENSATED;
import static io.commslib.saga.SagaStatus.COMPENSATING;
import static io.commslib.saga.SagaStatus.COMPLETED;
import static io.commslib.saga.SagaStatus.PARKED;
import static io.commslib.saga.SagaStatus.RUNNING;
import static io.commslib.saga.TripState.TIMEOUT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.core.messaging.Destination;
import io.commslib.saga.TripState.BookCar;
import io.commslib.saga.TripState.CarBooked;
import io.commslib.saga.TripState.CarReturned;
import io.commslib.saga.TripState.CardRefused;
import io.commslib.saga.TripState.IssueTicket;
import io.commslib.saga.TripState.NoCarLeft;
import io.commslib.saga.TripState.Paid;
import io.commslib.saga.TripState.Pay;
import io.commslib.saga.TripState.Refund;
import io.commslib.saga.TripState.Refunded;
import io.commslib.saga.TripState.ReturnCar;
import io.commslib.saga.TripState.SoldOut;
import io.commslib.saga.TripState.TicketIssued;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class DeciderTest {

  private static final SagaDefinition<TripState> TRIP = TripState.saga().build();
  private static final Instant NOW = Instant.parse("2026-11-20T10:00:00Z");

  private static SagaScenario<TripState> started() {
    return SagaScenario.given(TRIP, TripState.of("t"));
  }

  private static SagaScenario<TripState> atTicketStep() {
    return started().whenReply("car", new CarBooked("red")).whenReply("pay", new Paid("p1"));
  }

  @Test
  void completesWhenEveryStepSucceeds() {
    started()
        .thenStatus(RUNNING)
        .thenPublishes(new BookCar("t"))
        .whenReply("car", new CarBooked("red"))
        .thenPublishes(new Pay("t"))
        .whenReply("pay", new Paid("p1"))
        .thenPublishes(new IssueTicket("t"))
        .whenReply("ticket", new TicketIssued("T7"))
        .thenPublishes()
        .thenStatus(COMPLETED)
        .thenState(new TripState("t", List.of("car red", "paid p1", "ticket T7")));
  }

  @Test
  void undoesEarlierStepsInReverseWhenRefused() {
    atTicketStep()
        .whenReply("ticket", new SoldOut())
        .thenStatus(COMPENSATING)
        .thenPublishes(new Refund("t"))
        .whenCompensationReply("pay", new Refunded())
        .thenPublishes(new ReturnCar("t"))
        .whenCompensationReply("car", new CarReturned())
        .thenPublishes()
        .thenStatus(COMPENSATED)
        .thenState(new TripState("t", List.of("car red", "paid p1", "sold out", "car back")));
  }

  @Test
  void endsImmediatelyWhenTheFirstStepIsRefused() {
    started()
        .whenReply("car", new NoCarLeft("Rome"))
        .thenPublishes()
        .thenStatus(COMPENSATED)
        .thenStep("car", StepPhase.REFUSED);
  }

  @Test
  void repeatsTheCommandUnderTheSameIdAfterATimeout() {
    Instance<TripState> saga = afterTransition(start());
    Decision.Transition<TripState> repeated =
        transition(saga, new Input.TimerDue(), NOW.plus(TIMEOUT));
    assertThat(repeated.effects()).isEqualTo(start().effects());
    assertThat(repeated.next().steps().get(0).attempt()).isEqualTo(2);
    assertThat(repeated.next().wakeAt()).isEqualTo(NOW.plus(TIMEOUT.multipliedBy(2)));
  }

  @Test
  void undoesAlsoAStepOfUnknownOutcome() {
    started()
        .whenReply("car", new CarBooked("red"))
        .whenTimeElapses(TIMEOUT)
        .thenPublishes(new Pay("t"))
        .whenTimeElapses(TIMEOUT)
        .thenPublishes(new Refund("t"))
        .thenStatus(COMPENSATING)
        .whenCompensationReply("pay", new Refunded())
        .thenPublishes(new ReturnCar("t"))
        .whenCompensationReply("car", new CarReturned())
        .thenStatus(COMPENSATED);
  }

  @Test
  void ignoresTheTimerBeforeTheReplyIsOverdue() {
    Instance<TripState> saga = afterTransition(start());
    assertThat(Decider.decide(TRIP, saga, new Input.TimerDue(), NOW.plus(TIMEOUT.minusNanos(1))))
        .isInstanceOf(Decision.Ignore.class);
  }

  @Test
  void ignoresDuplicatesOfReplies() {
    atTicketStep()
        .whenReply("car", new CarBooked("blue"))
        .thenPublishes()
        .thenStatus(RUNNING)
        .whenReply("ticket", new TicketIssued("T7"))
        .whenReply("ticket", new TicketIssued("T8"))
        .thenState(new TripState("t", List.of("car red", "paid p1", "ticket T7")));
    atTicketStep()
        .whenReply("ticket", new SoldOut())
        .whenReply("ticket", new SoldOut())
        .thenPublishes()
        .whenCompensationReply("pay", new Refunded())
        .whenCompensationReply("pay", new Refunded())
        .thenPublishes()
        .thenStep("car", StepPhase.UNDOING);
  }

  @Test
  void undoesAgainWhenSuccessBecomesKnownAfterTheUndoWasSent() {
    SagaScenario<TripState> late =
        started()
            .whenTimeElapses(TIMEOUT.multipliedBy(2))
            .thenPublishes(new BookCar("t"), new ReturnCar("t"));
    late.whenReply("car", new CarBooked("red"))
        .thenPublishes(new ReturnCar("t"))
        .thenStatus(COMPENSATING)
        .whenCompensationReply("car", new CarReturned())
        .thenStatus(COMPENSATED);
  }

  @Test
  void ignoresTheReplyToAnUndoSentBeforeSuccessWasKnown() {
    Instance<TripState> saga = afterTransition(start());
    saga = transition(saga, new Input.TimerDue(), saga.wakeAt()).next();
    saga = transition(saga, new Input.TimerDue(), saga.wakeAt()).next();
    saga = transition(saga, reply("car", new CarBooked("red")), NOW).next();
    Input early = new Input.Reply(CommandIds.undo("s", "car", 1), new CarReturned());
    assertThat(Decider.decide(TRIP, saga, early, NOW)).isInstanceOf(Decision.Ignore.class);
    Input second = new Input.Reply(CommandIds.undo("s", "car", 2), new CarReturned());
    assertThat(transition(saga, second, NOW).next().status()).isEqualTo(COMPENSATED);
  }

  @Test
  void reopensACompensatedSagaWhenSuccessBecomesKnown() {
    started()
        .whenTimeElapses(TIMEOUT.multipliedBy(2))
        .whenCompensationReply("car", new CarReturned())
        .thenStatus(COMPENSATED)
        .whenReply("car", new CarBooked("red"))
        .thenStatus(COMPENSATING)
        .thenPublishes(new ReturnCar("t"))
        .whenCompensationReply("car", new CarReturned())
        .thenStatus(COMPENSATED);
  }

  @Test
  void finishesTheUndoInProgressBeforeUndoingALateSuccess() {
    started()
        .whenReply("car", new CarBooked("red"))
        .whenTimeElapses(TIMEOUT.multipliedBy(2))
        .whenCompensationReply("pay", new Refunded())
        .thenPublishes(new ReturnCar("t"))
        .whenReply("pay", new Paid("late"))
        .thenPublishes()
        .whenCompensationReply("car", new CarReturned())
        .thenPublishes(new Refund("t"))
        .thenStatus(COMPENSATING);
  }

  @Test
  void parksACompensationThatIsNeverAnsweredAndKeepsTheOthers() {
    SagaScenario<TripState> parked =
        atTicketStep()
            .whenReply("ticket", new SoldOut())
            .whenTimeElapses(Duration.ofMinutes(5))
            .thenPublishes(new Refund("t"), new Refund("t"))
            .thenStatus(PARKED)
            .thenStep("pay", StepPhase.UNDOING)
            .thenStep("car", StepPhase.DONE);
    parked
        .whenRetried()
        .thenStatus(COMPENSATING)
        .thenPublishes(new Refund("t"))
        .whenCompensationReply("pay", new Refunded())
        .thenPublishes(new ReturnCar("t"));
  }

  @Test
  void continuesFromParkedWhenALateReplyArrives() {
    atTicketStep()
        .whenReply("ticket", new SoldOut())
        .whenTimeElapses(Duration.ofMinutes(5))
        .thenStatus(PARKED)
        .whenCompensationReply("pay", new Refunded())
        .thenStatus(COMPENSATING)
        .thenPublishes(new ReturnCar("t"));
  }

  @Test
  void parksAPivotOfUnknownOutcomeInsteadOfUndoing() {
    atTicketStep()
        .whenTimeElapses(Duration.ofMinutes(5))
        .thenPublishes(new IssueTicket("t"))
        .thenStatus(PARKED)
        .thenStep("pay", StepPhase.DONE)
        .whenReply("ticket", new TicketIssued("T7"))
        .thenStatus(COMPLETED);
    atTicketStep()
        .whenTimeElapses(Duration.ofMinutes(5))
        .whenRetried()
        .thenPublishes(new IssueTicket("t"))
        .thenStatus(RUNNING)
        .whenReply("ticket", new SoldOut())
        .thenStatus(COMPENSATING);
  }

  @Test
  void refusesASuccessThatContradictsTheRefusalOfAPivot() {
    SagaScenario<TripState> refused = atTicketStep().whenReply("ticket", new SoldOut());
    assertThatExceptionOfType(AssertionError.class)
        .isThrownBy(() -> refused.whenReply("ticket", new TicketIssued("T7")))
        .withMessageContaining("CONTRADICTION");
  }

  @Test
  void undoesASuccessThatContradictsARefusal() {
    started()
        .whenReply("car", new NoCarLeft("Rome"))
        .thenStatus(COMPENSATED)
        .whenReply("car", new CarBooked("red"))
        .thenPublishes(new ReturnCar("t"))
        .thenStatus(COMPENSATING);
  }

  @Test
  void undoesNothingForAReadOnlyStep() {
    SagaDefinition<TripState> definition =
        SagaDefinition.builder("inquiry", 1, TripState.class)
            .step("check")
            .command(TripState.CARS, t -> new BookCar(t.id()))
            .onReply(CarBooked.class, (t, r) -> t)
            .readOnly()
            .timeout(TIMEOUT)
            .attempts(1)
            .step("pay")
            .command(TripState.BANK, t -> new Pay(t.id()))
            .onReply(Paid.class, (t, r) -> t)
            .refusedBy(CardRefused.class, (t, r) -> t)
            .build();
    SagaScenario.given(definition, TripState.of("t"))
        .whenReply("check", new CarBooked("red"))
        .whenReply("pay", new CardRefused())
        .thenPublishes()
        .thenStatus(COMPENSATED);
    SagaScenario.given(definition, TripState.of("t"))
        .whenTimeElapses(TIMEOUT)
        .thenStatus(COMPENSATED)
        .whenReply("check", new CarBooked("late"))
        .thenStatus(COMPENSATED);
  }

  @Test
  void cancelsByUndoingAlsoTheStepInProgress() {
    started()
        .whenReply("car", new CarBooked("red"))
        .whenCancelled()
        .thenPublishes(new Refund("t"))
        .thenStatus(COMPENSATING);
  }

  @Test
  void refusesToCancelAStepThatCanNotBeUndone() {
    SagaScenario<TripState> pivot = atTicketStep();
    assertThatExceptionOfType(AssertionError.class).isThrownBy(pivot::whenCancelled);
    SagaScenario<TripState> done = atTicketStep().whenReply("ticket", new TicketIssued("T7"));
    assertThatExceptionOfType(AssertionError.class).isThrownBy(done::whenCancelled);
  }

  @Test
  void refusesToRetryASagaThatIsNotParked() {
    SagaScenario<TripState> running = started();
    assertThatExceptionOfType(AssertionError.class).isThrownBy(running::whenRetried);
  }

  @Test
  void continuesAfterAParkedStepIsSettledByHand() {
    Instance<TripState> saga = afterTransition(start());
    saga = transition(saga, reply("car", new CarBooked("red")), NOW).next();
    saga = transition(saga, reply("pay", new CardRefused()), NOW).next();
    while (saga.wakeAt() != null) {
      saga = transition(saga, new Input.TimerDue(), saga.wakeAt()).next();
    }
    assertThat(saga.status()).isEqualTo(PARKED);
    assertThat(transition(saga, new Input.Resolve("kim", "done"), NOW).next().status())
        .isEqualTo(COMPENSATED);
  }

  @Test
  void refusesRepliesThatAnswerNoCommandOfTheSaga() {
    Instance<TripState> saga = afterTransition(start());
    for (Input reply :
        List.of(
            new Input.Reply("other", new CarBooked("red")),
            reply("pay", new Paid("too early")),
            reply("car", new Paid("wrong class")),
            new Input.Reply(CommandIds.undo("s", "car", 1), new CarReturned()))) {
      assertThat(Decider.decide(TRIP, saga, reply, NOW))
          .as("%s", reply)
          .isInstanceOf(Decision.Refuse.class);
    }
  }

  @Test
  void namesTheCommandACompensationUndoes() {
    Instance<TripState> saga = afterTransition(start());
    saga = transition(saga, reply("car", new CarBooked("red")), NOW).next();
    Effect undo = transition(saga, reply("pay", new CardRefused()), NOW).effects().get(0);
    assertThat(undo)
        .isEqualTo(
            new Effect.Send(
                CommandIds.undo("s", "car", 1),
                Destination.queue("cars"),
                new ReturnCar("t"),
                "t",
                CommandIds.command("s", "car")));
  }

  @Test
  void refusesUnknownStepNamesInScenarios() {
    SagaScenario<TripState> scenario = started();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> scenario.whenReply("bus", new Paid("p")))
        .withMessage("step: bus (expected: one of [car, pay, ticket])");
  }

  private static Input reply(String step, Object body) {
    return new Input.Reply(CommandIds.command("s", step), body);
  }

  private static Decision.Transition<TripState> start() {
    return transition(
        Instance.initial(TRIP, "s", "key", TripState.of("t")), new Input.Start(), NOW);
  }

  private static Instance<TripState> afterTransition(Decision.Transition<TripState> move) {
    return move.next();
  }

  private static Decision.Transition<TripState> transition(
      Instance<TripState> saga, Input input, Instant now) {
    Decision<TripState> decision = Decider.decide(TRIP, saga, input, now);
    assertThat(decision).isInstanceOf(Decision.Transition.class);
    return (Decision.Transition<TripState>) decision;
  }
}
