package io.commslib.saga;

import static io.commslib.saga.SagaStatus.COMPENSATED;
import static io.commslib.saga.SagaStatus.COMPENSATING;
import static io.commslib.saga.SagaStatus.COMPLETED;
import static io.commslib.saga.SagaStatus.PARKED;
import static io.commslib.saga.SagaStatus.RUNNING;
import static io.commslib.saga.Trip.TIMEOUT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import io.commslib.core.messaging.Destination;
import io.commslib.saga.Trip.BookCar;
import io.commslib.saga.Trip.CarBooked;
import io.commslib.saga.Trip.CarReturned;
import io.commslib.saga.Trip.CardRefused;
import io.commslib.saga.Trip.IssueTicket;
import io.commslib.saga.Trip.NoCarLeft;
import io.commslib.saga.Trip.Paid;
import io.commslib.saga.Trip.Pay;
import io.commslib.saga.Trip.Refund;
import io.commslib.saga.Trip.Refunded;
import io.commslib.saga.Trip.ReturnCar;
import io.commslib.saga.Trip.SoldOut;
import io.commslib.saga.Trip.TicketIssued;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class DeciderTest {

  private static final SagaDefinition<Trip> TRIP = Trip.saga().build();
  private static final Instant NOW = Instant.parse("2026-11-20T10:00:00Z");

  private static SagaScenario<Trip> started() {
    return SagaScenario.given(TRIP, Trip.of("t"));
  }

  private static SagaScenario<Trip> atTicket() {
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
        .thenState(new Trip("t", List.of("car red", "paid p1", "ticket T7")));
  }

  @Test
  void undoesEarlierStepsInReverseWhenRefused() {
    atTicket()
        .whenReply("ticket", new SoldOut())
        .thenStatus(COMPENSATING)
        .thenPublishes(new Refund("t"))
        .whenCompensationReply("pay", new Refunded())
        .thenPublishes(new ReturnCar("t"))
        .whenCompensationReply("car", new CarReturned())
        .thenPublishes()
        .thenStatus(COMPENSATED)
        .thenState(new Trip("t", List.of("car red", "paid p1", "sold out", "car back")));
  }

  @Test
  void endsAtOnceWhenTheFirstStepIsRefused() {
    started()
        .whenReply("car", new NoCarLeft("Rome"))
        .thenPublishes()
        .thenStatus(COMPENSATED)
        .thenStep("car", StepPhase.REFUSED);
  }

  @Test
  void repeatsTheCommandUnderTheSameIdAfterATimeout() {
    Instance<Trip> born = moved(start());
    Decision.Move<Trip> again = move(born, new Input.TimerDue(), NOW.plus(TIMEOUT));
    assertThat(again.effects()).isEqualTo(start().effects());
    assertThat(again.next().steps().get(0).attempt()).isEqualTo(2);
    assertThat(again.next().wakeAt()).isEqualTo(NOW.plus(TIMEOUT.multipliedBy(2)));
  }

  @Test
  void undoesAStepOfUnknownOutcomeToo() {
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
    Instance<Trip> born = moved(start());
    assertThat(Decider.decide(TRIP, born, new Input.TimerDue(), NOW.plus(TIMEOUT.minusNanos(1))))
        .isInstanceOf(Decision.Ignore.class);
  }

  @Test
  void ignoresDuplicatesOfReplies() {
    atTicket()
        .whenReply("car", new CarBooked("blue"))
        .thenPublishes()
        .thenStatus(RUNNING)
        .whenReply("ticket", new TicketIssued("T7"))
        .whenReply("ticket", new TicketIssued("T8"))
        .thenState(new Trip("t", List.of("car red", "paid p1", "ticket T7")));
    atTicket()
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
    SagaScenario<Trip> late =
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
  void doesNotTakeTheReplyOfAnUndoSentBeforeTheSuccessWasKnown() {
    Instance<Trip> saga = moved(start());
    saga = move(saga, new Input.TimerDue(), saga.wakeAt()).next();
    saga = move(saga, new Input.TimerDue(), saga.wakeAt()).next();
    saga = move(saga, answer("car", new CarBooked("red")), NOW).next();
    Input early = new Input.Reply(CommandIds.undo("s", "car", 1), new CarReturned());
    assertThat(Decider.decide(TRIP, saga, early, NOW)).isInstanceOf(Decision.Ignore.class);
    Input second = new Input.Reply(CommandIds.undo("s", "car", 2), new CarReturned());
    assertThat(move(saga, second, NOW).next().status()).isEqualTo(COMPENSATED);
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
  void finishesTheUndoUnderWayBeforeALateSuccessIsUndone() {
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
    SagaScenario<Trip> parked =
        atTicket()
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
  void goesOnFromParkedWhenTheLateReplyComes() {
    atTicket()
        .whenReply("ticket", new SoldOut())
        .whenTimeElapses(Duration.ofMinutes(5))
        .thenStatus(PARKED)
        .whenCompensationReply("pay", new Refunded())
        .thenStatus(COMPENSATING)
        .thenPublishes(new ReturnCar("t"));
  }

  @Test
  void parksAPivotOfUnknownOutcomeInsteadOfUndoing() {
    atTicket()
        .whenTimeElapses(Duration.ofMinutes(5))
        .thenPublishes(new IssueTicket("t"))
        .thenStatus(PARKED)
        .thenStep("pay", StepPhase.DONE)
        .whenReply("ticket", new TicketIssued("T7"))
        .thenStatus(COMPLETED);
    atTicket()
        .whenTimeElapses(Duration.ofMinutes(5))
        .whenRetried()
        .thenPublishes(new IssueTicket("t"))
        .thenStatus(RUNNING)
        .whenReply("ticket", new SoldOut())
        .thenStatus(COMPENSATING);
  }

  @Test
  void refusesASuccessThatContradictsTheRefusalOfAPivot() {
    SagaScenario<Trip> refused = atTicket().whenReply("ticket", new SoldOut());
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
    SagaDefinition<Trip> definition =
        SagaDefinition.builder("look", 1, Trip.class)
            .step("check")
            .command(Trip.CARS, t -> new BookCar(t.id()))
            .onReply(CarBooked.class, (t, r) -> t)
            .readOnly()
            .timeout(TIMEOUT)
            .attempts(1)
            .step("pay")
            .command(Trip.BANK, t -> new Pay(t.id()))
            .onReply(Paid.class, (t, r) -> t)
            .refusedBy(CardRefused.class, (t, r) -> t)
            .build();
    SagaScenario.given(definition, Trip.of("t"))
        .whenReply("check", new CarBooked("red"))
        .whenReply("pay", new CardRefused())
        .thenPublishes()
        .thenStatus(COMPENSATED);
    SagaScenario.given(definition, Trip.of("t"))
        .whenTimeElapses(TIMEOUT)
        .thenStatus(COMPENSATED)
        .whenReply("check", new CarBooked("late"))
        .thenStatus(COMPENSATED);
  }

  @Test
  void cancelsByUndoingTheStepUnderWayToo() {
    started()
        .whenReply("car", new CarBooked("red"))
        .whenCancelled()
        .thenPublishes(new Refund("t"))
        .thenStatus(COMPENSATING);
  }

  @Test
  void refusesToCancelWhatCanNotBeUndone() {
    SagaScenario<Trip> pivot = atTicket();
    assertThatExceptionOfType(AssertionError.class).isThrownBy(pivot::whenCancelled);
    SagaScenario<Trip> done = atTicket().whenReply("ticket", new TicketIssued("T7"));
    assertThatExceptionOfType(AssertionError.class).isThrownBy(done::whenCancelled);
  }

  @Test
  void refusesToRetryWhatIsNotParked() {
    SagaScenario<Trip> running = started();
    assertThatExceptionOfType(AssertionError.class).isThrownBy(running::whenRetried);
  }

  @Test
  void takesAParkedStepAsSettledByHand() {
    Instance<Trip> saga = moved(start());
    saga = move(saga, answer("car", new CarBooked("red")), NOW).next();
    saga = move(saga, answer("pay", new CardRefused()), NOW).next();
    while (saga.wakeAt() != null) {
      saga = move(saga, new Input.TimerDue(), saga.wakeAt()).next();
    }
    assertThat(saga.status()).isEqualTo(PARKED);
    assertThat(move(saga, new Input.Resolve("kim", "done"), NOW).next().status())
        .isEqualTo(COMPENSATED);
  }

  @Test
  void refusesRepliesThatAnswerNoCommandOfTheSaga() {
    Instance<Trip> saga = moved(start());
    for (Input reply :
        List.of(
            new Input.Reply("other", new CarBooked("red")),
            answer("pay", new Paid("too early")),
            answer("car", new Paid("wrong class")),
            new Input.Reply(CommandIds.undo("s", "car", 1), new CarReturned()))) {
      assertThat(Decider.decide(TRIP, saga, reply, NOW))
          .as("%s", reply)
          .isInstanceOf(Decision.Refuse.class);
    }
  }

  @Test
  void namesTheCommandACompensationUndoes() {
    Instance<Trip> saga = moved(start());
    saga = move(saga, answer("car", new CarBooked("red")), NOW).next();
    Effect undo = move(saga, answer("pay", new CardRefused()), NOW).effects().get(0);
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
    SagaScenario<Trip> scenario = started();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> scenario.whenReply("bus", new Paid("p")))
        .withMessage("step: bus (expected: one of [car, pay, ticket])");
  }

  private static Input answer(String step, Object body) {
    return new Input.Reply(CommandIds.command("s", step), body);
  }

  private static Decision.Move<Trip> start() {
    return move(Instance.unborn(TRIP, "s", "key", Trip.of("t")), new Input.Start(), NOW);
  }

  private static Instance<Trip> moved(Decision.Move<Trip> move) {
    return move.next();
  }

  private static Decision.Move<Trip> move(Instance<Trip> saga, Input input, Instant now) {
    Decision<Trip> decision = Decider.decide(TRIP, saga, input, now);
    assertThat(decision).isInstanceOf(Decision.Move.class);
    return (Decision.Move<Trip>) decision;
  }
}
