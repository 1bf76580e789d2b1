package io.commslib.outbox;

import io.commslib.core.CommsException;
import io.commslib.core.codec.CodecException;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.random.RandomGenerator;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What becomes of a row the transport has refused: the failure is counted, the row waits for its
 * next attempt or is parked. Fenced: only the owner of its shard decides.
 */
final class RefusedRows {

  private static final Logger log = LoggerFactory.getLogger(OutboxRelay.class);
  private static final int MAX_ERROR_CHARS = 1_000;
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
  private final OutboxTables tables;
  private final ShardLeases leases;
  private final StoppedDestinations stopped;
  private final RandomGenerator random;

  RefusedRows(
      JdbcOutbox outbox,
      OutboxTransactions transactions,
      OutboxTables tables,
      ShardLeases leases,
      StoppedDestinations stopped,
      RandomGenerator random) {
    this.config = outbox.config();
    this.transactions = transactions;
    this.tables = tables;
    this.leases = leases;
    this.stopped = stopped;
    this.random = random;
  }

  Decision decide(OutboxRow row, Throwable failure, Ownership own) {
    String error = shorten(failure.toString());
    Decision decision =
        transactions.run(
            "count failure", connection -> decide(connection, row, failure, error, own));
    if (decision.parked()) {
      log.warn(
          "outbox row {}/{} parked after {} attempts: {}",
          row.shard(),
          row.id(),
          decision.attempts(),
          error);
    }
    return decision;
  }

  private Decision decide(
      Connection connection, OutboxRow row, Throwable failure, String error, Ownership own)
      throws SQLException {
    if (!leases.fence(connection, own, row.shard())) {
      return Decision.NOT_OURS;
    }
    Duration wait = config.backoff().next(tables.attempts(connection, row) + 1, random);
    int attempts = tables.countFailure(connection, row, error, wait.toMillis());
    boolean parks = failure instanceof CodecException || attempts >= config.attempts();
    if (parks) {
      park(connection, row, failure, error);
    }
    return new Decision(attempts, parks, wait);
  }

  private void park(Connection connection, OutboxRow row, Throwable failure, String error)
      throws SQLException {
    String code = failure instanceof CommsException known ? known.code() : NOT_OURS;
    OutboxConfig.OnParked policy = config.onParked(row.destination());
    tables.park(connection, row, code, error, policy != OutboxConfig.OnParked.SKIP);
    if (policy == OutboxConfig.OnParked.PAUSE_DESTINATION) {
      stopped.stop(connection, row.destination(), error);
      stopped.refresh(connection);
    }
  }

  private static String shorten(String error) {
    return error.substring(0, Math.min(error.length(), MAX_ERROR_CHARS)).replace('\0', ' ');
  }
}
