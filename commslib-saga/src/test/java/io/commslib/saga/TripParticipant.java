package io.commslib.saga;

import io.commslib.core.codec.TypeRegistry;
import io.commslib.core.codec.TypedHandler;
import io.commslib.core.messaging.Delivery;
import io.commslib.core.messaging.Destination;
import io.commslib.core.messaging.Settlement;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.outbox.Outbox;
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
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;

/**
 * The three participants of a trip, which follow the contract: they answer every command, also a
 * repeated one, and remember an undo that arrives first. The number of a trip determines which
 * participants refuse it.
 */
final class TripParticipant {

  static final Destination REPLIES = Destination.queue("replies");

  private final JdbcDatabase database;
  private final Outbox outbox;
  private final TypeRegistry types = TripState.types();

  TripParticipant(JdbcDatabase database, Outbox outbox) {
    this.database = database;
    this.outbox = outbox;
  }

  TypedHandler handler() {
    return TypedHandler.builder(types)
        .on(
            BookCar.class,
            (c, d) ->
                act(d, "car", accepts(c.trip(), 7), new CarBooked(c.trip()), new NoCarLeft("Rome")))
        .on(ReturnCar.class, (c, d) -> undo(d, "car", new CarReturned()))
        .on(
            Pay.class,
            (c, d) -> act(d, "pay", accepts(c.trip(), 5), new Paid(c.trip()), new CardRefused()))
        .on(Refund.class, (c, d) -> undo(d, "pay", new Refunded()))
        .on(
            IssueTicket.class,
            (c, d) ->
                act(d, "ticket", accepts(c.trip(), 3), new TicketIssued(c.trip()), new SoldOut()))
        .build();
  }

  private static boolean accepts(String trip, int refusedEvery) {
    return Integer.parseInt(trip) % refusedEvery != 0;
  }

  private Settlement act(Delivery command, String step, boolean accepts, Object yes, Object no)
      throws SQLException {
    String known = effect(command, step);
    if (known.isEmpty() && accepts) {
      write(command, "INSERT INTO %s (effect, saga, step) VALUES (?, ?, ?)", "DONE", step);
    }
    boolean done = known.equals("DONE") || (known.isEmpty() && accepts);
    return reply(command, done ? yes : no);
  }

  private Settlement undo(Delivery command, String step, Object undone) throws SQLException {
    boolean isNew = effect(command, step).isEmpty();
    write(
        command,
        isNew
            ? "INSERT INTO %s (effect, saga, step) VALUES (?, ?, ?)"
            : "UPDATE %s SET effect = ? WHERE saga = ? AND step = ?",
        "UNDONE",
        step);
    return reply(command, undone);
  }

  private Settlement reply(Delivery command, Object answer) {
    outbox.publish(command.transaction(), REPLIES, Replies.to(command, types, answer).build());
    return Settlement.done();
  }

  private String effect(Delivery command, String step) throws SQLException {
    try (PreparedStatement select =
        connection(command)
            .prepareStatement(
                "SELECT effect FROM "
                    + database.table("effect")
                    + " WHERE saga = ? AND step = ?")) {
      select.setString(1, sagaOf(command));
      select.setString(2, step);
      try (ResultSet row = select.executeQuery()) {
        return row.next() ? row.getString(1) : "";
      }
    }
  }

  private void write(Delivery command, String sql, String effect, String step) throws SQLException {
    try (PreparedStatement write =
        connection(command).prepareStatement(String.format(sql, database.table("effect")))) {
      write.setString(1, effect);
      write.setString(2, sagaOf(command));
      write.setString(3, step);
      write.executeUpdate();
    }
  }

  private static Connection connection(Delivery command) {
    return command.transaction().unwrap(Connection.class);
  }

  private static String sagaOf(Delivery command) {
    return command.message().correlationId().orElseThrow();
  }
}
