package io.commslib.idempotency;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.checks.Checks;
import io.commslib.core.idempotency.Claim;
import io.commslib.core.idempotency.IdempotencyStore;
import io.commslib.core.idempotency.RequestKey;
import io.commslib.core.idempotency.StorableResults;
import io.commslib.core.idempotency.StoredResult;
import io.commslib.core.tx.TransactionContext;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.JdbcTransactions;
import io.commslib.jdbc.SingleStatements;
import io.commslib.jdbc.SqlDialect;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Objects;

/**
 * Request keys in a table of the service's own database, created by {@link InboxSchema}. Leases,
 * tokens and retention use the database's clock. Thread-safe; keeps no connection between calls.
 */
public final class JdbcIdempotencyStore implements IdempotencyStore {

  /** Bytes of a statement that stores a result, without the result. */
  private static final long NON_RESULT_RESERVE_BYTES = 16_384;

  private static final long LARGEST_STATEMENT_BYTES =
      2L * StoredResult.MAX_BODY_BYTES + RequestTable.MAX_HEADERS_CHARS + NON_RESULT_RESERVE_BYTES;

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
   * Checks the table and creates a store. Blocks.
   *
   * @param database database of its table and of the transactions passed to it
   * @param config settings
   * @return new store
   * @throws StoreException {@code COMMS-JDBC-010} if the table is missing, {@code COMMS-JDBC-011}
   *     or {@code COMMS-JDBC-012} if its version does not fit; {@code TRANSIENT} if the database
   *     can't be reached
   */
  public static JdbcIdempotencyStore create(JdbcDatabase database, IdempotencyConfig config) {
    Objects.requireNonNull(database, "database");
    Objects.requireNonNull(config, "config");
    InboxSchema.scripts().check(database);
    return new JdbcIdempotencyStore(database, config);
  }

  /** Statements on one connection. */
  @FunctionalInterface
  private interface Work<T> {
    T run(Connection connection) throws SQLException;
  }

  @Override
  public Claim claim(RequestKey request, Duration lease) {
    Checks.inRange("lease", lease, Duration.ofMillis(1), Duration.ofHours(24));
    Work<Claim> work = connection -> claims.lease(connection, request, lease.toMillis());
    return claims.isOneStatement() ? inAutoCommit(work) : inTransaction(work);
  }

  @Override
  public Claim claim(TransactionContext tx, RequestKey request) {
    return inCallersTransaction(tx, "claim", connection -> claims.begin(connection, request));
  }

  @Override
  public boolean complete(RequestKey request, long token, StoredResult result) {
    StoredResult kept = storable(request, result);
    try {
      return finish(request, token, kept);
    } catch (StoreException e) {
      if (e.kind() != FailureKind.PERMANENT) {
        throw e;
      }
      return finish(request, token, rejected(request, result, e));
    }
  }

  private boolean finish(RequestKey request, long token, StoredResult kept) {
    return inAutoCommit(
        connection ->
            rows.complete(connection, request, token, kept)
                || rows.isCompleted(connection, request, token));
  }

  @Override
  public boolean complete(
      TransactionContext tx, RequestKey request, long token, StoredResult result) {
    StoredResult kept = storable(request, result);
    return inCallersTransaction(
        tx,
        "complete",
        connection -> {
          try {
            return claims.finish(connection, request, token, kept);
          } catch (SQLException e) {
            StoreException failure = SqlErrors.translate("idempotency: complete", e);
            // On PostgreSQL a transaction refuses every statement after a failed one.
            if (failure.kind() != FailureKind.PERMANENT
                || database.dialect() == SqlDialect.POSTGRESQL) {
              throw e;
            }
            return claims.finish(connection, request, token, rejected(request, result, failure));
          }
        });
  }

  /** Returns the result, or its short form if it fits neither the row nor a statement. */
  private StoredResult storable(RequestKey request, StoredResult result) {
    StoredResult kept = StorableResults.of(request, result);
    boolean fits =
        RequestRow.headerChars(kept) <= RequestTable.MAX_HEADERS_CHARS
            && (database.maxStatementBytes() >= LARGEST_STATEMENT_BYTES
                || statementBytes(kept) <= database.maxStatementBytes());
    return fits
        ? kept
        : StorableResults.shortened(request, result, "it is more than the database takes");
  }

  /** Drivers may write a body into the statement's text, where a byte may take two. */
  private static long statementBytes(StoredResult result) {
    return 2L * result.body().length + RequestRow.headerChars(result) + NON_RESULT_RESERVE_BYTES;
  }

  private static StoredResult rejected(
      RequestKey request, StoredResult result, StoreException failure) {
    return StorableResults.shortened(request, result, "the database refused it, " + failure.code());
  }

  @Override
  public boolean release(RequestKey request, long token) {
    return inAutoCommit(connection -> rows.release(connection, request, token));
  }

  @Override
  public boolean remember(RequestKey request, long token, String step, String value) {
    RequestSteps.check(step, value);
    return inAutoCommit(
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

  private <T> T inCallersTransaction(TransactionContext tx, String doing, Work<T> work) {
    Connection connection = JdbcTransactions.connection(tx, database);
    try {
      return work.run(connection);
    } catch (SQLException e) {
      // On some databases the rest of the transaction could still be committed.
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

  /** Runs work whose statements are independent and commit by themselves, without a round trip. */
  private <T> T inAutoCommit(Work<T> work) {
    try {
      return singles.run("idempotency", work::run);
    } catch (SQLException e) {
      // The result of a statement that commits by itself is unknown if the connection breaks.
      throw SqlErrors.translateSingle("idempotency", e);
    }
  }
}
