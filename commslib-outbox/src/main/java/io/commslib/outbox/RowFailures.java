package io.commslib.outbox;

import io.commslib.core.CodecException;
import io.commslib.core.CommsException;
import io.commslib.core.Failures;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * What becomes of a row the transport has refused: the failure is counted, the row waits for its
 * next attempt or is parked. Fenced: only the owner of its shard decides.
 */
final class RowFailures {

  private static final String NOT_OURS = "COMMS-OUTBOX-004";

  /**
   * What was decided.
   *
   * @param attempts how many attempts have failed; 0 if the shard is lost: then another decides
   * @param parked whether it is parked
   * @param delay how long until its next attempt
   */
  record Decision(int attempts, boolean parked, Duration delay) {
    private static final Decision NOT_OURS = new Decision(0, false, Duration.ZERO);
  }

  private final OutboxConfig config;
  private final OutboxTransactions transactions;
  private final RowTables tables;
  private final ShardLeases leases;
  private final DestinationStops stopped;
  private final RandomGenerator random;
  private final OutboxEvents events;

  RowFailures(
      JdbcOutbox outbox,
      OutboxTransactions transactions,
      RowTables tables,
      ShardLeases leases,
      DestinationStops stopped,
      RandomGenerator random,
      OutboxEvents events) {
    this.config = outbox.config();
    this.transactions = transactions;
    this.tables = tables;
    this.leases = leases;
    this.stopped = stopped;
    this.random = random;
    this.events = events;
  }

  Decision decide(OutboxRow row, Throwable failure, ShardOwnership own) {
    String error = storable(Failures.text(failure));
    Decision decision =
        transactions.run(
            "count failure", connection -> decide(connection, row, failure, error, own));
    if (decision.parked()) {
      events.parked(row, decision.attempts(), code(failure), failure);
    } else if (decision.attempts() == 1) {
      events.attemptFailed(row, 1, failure, decision.delay());
    }
    return decision;
  }

  private Decision decide(
      Connection connection, OutboxRow row, Throwable failure, String error, ShardOwnership own)
      throws SQLException {
    if (!leases.fence(connection, own, row.shard())) {
      return Decision.NOT_OURS;
    }
    Duration wait = config.backoff().next(tables.attempts(connection, row) + 1, random);
    int attempts = tables.countFailure(connection, row, error, wait.toMillis());
    boolean parks = neverWill(failure) || attempts >= config.attempts();
    if (parks) {
      park(connection, row, failure, error);
    }
    return new Decision(attempts, parks, wait);
  }

  private void park(Connection connection, OutboxRow row, Throwable failure, String error)
      throws SQLException {
    String code = code(failure);
    OutboxConfig.OnParked policy = config.onParked(row.destination());
    tables.park(connection, row, code, error, policy != OutboxConfig.OnParked.SKIP);
    if (policy == OutboxConfig.OnParked.PAUSE_DESTINATION) {
      stopped.stop(connection, row.destination(), error);
      stopped.refresh(connection);
    }
  }

  /** Only what is wrong with the row itself is proof that further attempts are in vain. */
  private static boolean neverWill(Throwable failure) {
    return Failures.isPermanent(failure) && Failures.unwrapped(failure) instanceof CodecException;
  }

  private static String code(Throwable failure) {
    return Failures.known(failure).map(CommsException::code).orElse(NOT_OURS);
  }

  /** Without what some databases refuse: NUL, and halves of characters. */
  private static String storable(String error) {
    StringBuilder text = new StringBuilder();
    error
        .codePoints()
        .map(
            c -> c == 0 || (c >= Character.MIN_SURROGATE && c <= Character.MAX_SURROGATE) ? ' ' : c)
        .forEach(text::appendCodePoint);
    return text.toString();
  }
}
