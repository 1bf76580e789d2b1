package io.commslib.saga;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.messaging.Destination;
import io.commslib.jackson.JacksonCodec;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** State and messages of the saga of the tests: a trip books a car, pays and issues a ticket. */
record TripState(String id, List<String> notes) {

  record BookCar(String trip) {}

  record CarBooked(String car) {}

  record NoCarLeft(String town) {}

  record ReturnCar(String trip) {}

  record CarReturned() {}

  record Pay(String trip) {}

  record Paid(String receipt) {}

  record CardRefused() {}

  record Refund(String trip) {}

  record Refunded() {}

  record IssueTicket(String trip) {}

  record TicketIssued(String ticket) {}

  record SoldOut() {}

  static final Destination CARS = Destination.queue("cars");
  static final Destination BANK = Destination.queue("bank");
  static final Destination AIRLINE = Destination.queue("airline");
  static final Duration TIMEOUT = Duration.ofSeconds(10);

  static TypeRegistry types() {
    return TypeRegistry.builder(JacksonCodec.create())
        .register("car.book", BookCar.class)
        .register("car.booked", CarBooked.class)
        .register("car.none-left", NoCarLeft.class)
        .register("car.return", ReturnCar.class)
        .register("car.returned", CarReturned.class)
        .register("bank.pay", Pay.class)
        .register("bank.paid", Paid.class)
        .register("bank.refused", CardRefused.class)
        .register("bank.refund", Refund.class)
        .register("bank.refunded", Refunded.class)
        .register("ticket.issue", IssueTicket.class)
        .register("ticket.issued", TicketIssued.class)
        .register("ticket.sold-out", SoldOut.class)
        .build();
  }

  static TripState of(String id) {
    return new TripState(id, List.of());
  }

  TripState with(String note) {
    List<String> all = new ArrayList<>(notes);
    all.add(note);
    return new TripState(id, List.copyOf(all));
  }

  /** Two steps with compensation, then one without, which is the pivot. */
  static SagaDefinition.Builder<TripState> saga() {
    return saga(TIMEOUT, 2, 3);
  }

  static SagaDefinition.Builder<TripState> saga(Duration timeout, int attempts, int undoAttempts) {
    return SagaDefinition.builder("trip", 1, TripState.class)
        .step("car")
        .command(CARS, t -> new BookCar(t.id()))
        .onReply(CarBooked.class, (t, r) -> t.with("car " + r.car()))
        .refusedBy(NoCarLeft.class, (t, r) -> t.with("no car in " + r.town()))
        .compensate(CARS, t -> new ReturnCar(t.id()))
        .compensatedBy(CarReturned.class, (t, r) -> t.with("car back"))
        .timeout(timeout)
        .attempts(attempts)
        .compensationAttempts(undoAttempts)
        .step("pay")
        .command(BANK, t -> new Pay(t.id()))
        .onReply(Paid.class, (t, r) -> t.with("paid " + r.receipt()))
        .refusedBy(CardRefused.class, (t, r) -> t.with("card refused"))
        .compensate(BANK, t -> new Refund(t.id()))
        .compensatedBy(Refunded.class)
        .timeout(timeout)
        .attempts(attempts)
        .compensationAttempts(undoAttempts)
        .step("ticket")
        .command(AIRLINE, t -> new IssueTicket(t.id()))
        .onReply(TicketIssued.class, (t, r) -> t.with("ticket " + r.ticket()))
        .refusedBy(SoldOut.class, (t, r) -> t.with("sold out"))
        .timeout(timeout)
        .attempts(attempts)
        .key(TripState::id);
  }
}
