package io.commslib.outbox;

import io.commslib.core.CodecException;
import io.commslib.core.CommsException;
import io.commslib.core.Failures;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.random.RandomGenerator;

/**
 * Handles failed publishes: counts the failure, then lets the row wait for its next attempt or
 * parks it. Fenced: only the owner of the row's shard decides.
 */
final class RowFailures {

  /** The code of failures that have none of the library's codes. */
  private static final String FOREIGN_FAILURE_CODE = "COMMS-OUTBOX-004";

  /**
   * A decision about a row.
   *
   * @param attempts the number of failed attempts; 0 if the shard was lost and its new owner
   *     decides
   * @param parked whether the row is parked
   * @param delay the time until its next attempt
   */
  record Decision(int attempts, boolean parked, Duration delay) {
    private static final Decision OWNERSHIP_LOST = new Decision(0, false, Duration.ZERO);
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

  /** Decides about a row, in a transaction of its own, and reports the decision. */
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
      return Decision.OWNERSHIP_LOST;
    }
    Duration wait = config.backoff().next(tables.attempts(connection, row) + 1, random);
    int attempts = tables.countFailure(connection, row, error, wait.toMillis());
    boolean park = isUnpublishable(failure) || attempts >= config.attempts();
    if (park) {
      park(connection, row, failure, error);
    }
    return new Decision(attempts, park, wait);
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

  /** Only a defect of the row itself proves that further attempts would fail too. */
  private static boolean isUnpublishable(Throwable failure) {
    return Failures.isPermanent(failure) && Failures.unwrapped(failure) instanceof CodecException;
  }

  private static String code(Throwable failure) {
    return Failures.known(failure).map(CommsException::code).orElse(FOREIGN_FAILURE_CODE);
  }

  /** Removes characters that some databases reject: NUL and unpaired surrogates. */
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
