package io.commslib.idempotency;

import io.commslib.core.StoreException;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.spi.Checks;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SingleStatements;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;

/**
 * Request keys in a table of the service's own database. Leases, tokens and retention go by the
 * database's clock. Its table is that of {@link InboxSchema}. Thread-safe; holds no connection.
 *
 * @since 0.1
 */
public final class JdbcIdempotencyStore implements IdempotencyStore {

  private final JdbcDatabase database;
  private final IdempotencyConfig config;
  private final JdbcTransactionRunner transactions;
  private final SingleStatements singles;
  private final RequestClaims claims;
  private final RequestTable rows;

  private JdbcIdempotencyStore(JdbcDatabase database, IdempotencyConfig config) {
    this.database = database;
    this.config = config;
    this.transactions = JdbcTransactionRunner.create(database);
    this.singles = SingleStatements.on(database);
    this.claims = RequestClaims.of(database, config);
    this.rows = new RequestTable(database, claims.nowMillis(), config);
  }

  /**
   * Creates a store.
   *
   * @param database where its table lies; transactions given to it must run on it
   * @param config settings
   * @return new store
   */
  public static JdbcIdempotencyStore create(JdbcDatabase database, IdempotencyConfig config) {
    return new JdbcIdempotencyStore(
        Objects.requireNonNull(database, "database"), Objects.requireNonNull(config, "config"));
  }

  /** Some statements on one connection. */
  @FunctionalInterface
  private interface Work<T> {
    T run(Connection connection) throws SQLException;
  }

  @Override
  public Claim claim(RequestKey request, Duration lease) {
    Checks.inRange("lease", lease, Duration.ofMillis(1), Duration.ofHours(24));
    Work<Claim> work = connection -> claims.lease(connection, request, lease.toMillis());
    return claims.isOneStatement() ? alone(work) : inTransaction(work);
  }

  @Override
  public Claim claim(TransactionContext tx, RequestKey request) {
    return joined(tx, "claim", connection -> claims.begin(connection, request));
  }

  @Override
  public boolean complete(RequestKey request, long token, StoredResult result) {
    Objects.requireNonNull(result, "result");
    return alone(
        connection ->
            rows.complete(connection, request, token, result)
                || rows.isCompleted(connection, request, token));
  }

  @Override
  public boolean complete(
      TransactionContext tx, RequestKey request, long token, StoredResult result) {
    Objects.requireNonNull(result, "result");
    return joined(tx, "complete", connection -> claims.finish(connection, request, token, result));
  }

  @Override
  public boolean release(RequestKey request, long token) {
    return alone(connection -> rows.release(connection, request, token));
  }

  @Override
  public boolean remember(RequestKey request, long token, String step, String value) {
    RequestSteps.check(step, value);
    return alone(
        connection -> rows.remember(connection, request, token, TextPairs.write(step, value)));
  }

  @Override
  public long purge() {
    long all = 0;
    int removed;
    do {
      removed = inTransaction(rows::purge);
      all += removed;
    } while (removed == config.purgeBatch());
    return all;
  }

  private <T> T joined(TransactionContext tx, String doing, Work<T> work) {
    Checks.check(
        tx.database().equals(database.id()),
        "transaction",
        tx.database(),
        "one on " + database.id());
    try {
      return work.run(tx.unwrap(Connection.class));
    } catch (SQLException e) {
      // On some databases the rest could still be committed.
      StoreException translated = SqlErrors.translate("idempotency: " + doing, e);
      tx.fail(translated);
      throw translated;
    }
  }

  private <T> T inTransaction(Work<T> work) {
    try {
      return transactions.<T, SQLException>run(tx -> work.run(tx.unwrap(Connection.class)));
    } catch (SQLException e) {
      throw SqlErrors.translate("idempotency", e);
    }
  }

  /** Runs work whose statements are whole each and commit themselves: no round trip for that. */
  private <T> T alone(Work<T> work) {
    try {
      return singles.run("idempotency", work::run);
    } catch (SQLException e) {
      // What commits itself has an unknown result when the connection breaks.
      throw SqlErrors.translateCommit(e);
    }
  }
}
