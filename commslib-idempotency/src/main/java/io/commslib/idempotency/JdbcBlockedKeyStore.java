package io.commslib.idempotency;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SqlErrors;
import io.commslib.jdbc.SqlStatement;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * Blocked keys in a database table, created by {@link BlockedKeysSchema}. Each call runs in a
 * transaction of its own and blocks. All members of a group must use the same table. Thread-safe;
 * keeps no connection between calls.
 */
public final class JdbcBlockedKeyStore implements BlockedKeyStore {

  /** The statements of one call. */
  @FunctionalInterface
  private interface Work<T> {
    T run(Connection connection) throws SQLException;
  }

  private static final String RAISE =
      """
      UPDATE @held_keys SET hold_level = ?
      WHERE consumer = ? AND lane_key = ? AND hold_level < ?
      """;
  private static final String INSERT =
      """
      INSERT INTO @held_keys (consumer, lane_key, hold_level, held_at)
      VALUES (?, ?, ?, {now}){onConflict}
      """;

  /** A plain insert would leave a shared lock on the row that it meets. */
  private static final String MYSQL_ON_CONFLICT =
      " ON DUPLICATE KEY UPDATE hold_level = GREATEST(hold_level, VALUES(hold_level))";

  private static final String SELECT =
      "SELECT hold_level FROM @held_keys WHERE consumer = ? AND lane_key = ?";
  private static final String DELETE = "DELETE FROM @held_keys WHERE consumer = ? AND lane_key = ?";
  private static final String LIST = "SELECT lane_key FROM @held_keys WHERE consumer = ? LIMIT ?";

  private final JdbcTransactionRunner transactions;
  private final boolean isUpsert;
  private final SqlStatement raise;
  private final SqlStatement insert;
  private final SqlStatement select;
  private final SqlStatement delete;
  private final SqlStatement list;

  private JdbcBlockedKeyStore(JdbcDatabase database) {
    this.transactions = JdbcTransactionRunner.create(database);
    this.isUpsert = database.dialect().isMySql();
    this.raise = SqlStatement.of(database, RAISE);
    this.insert =
        SqlStatement.of(database, INSERT)
            .with(
                "onConflict",
                isUpsert ? MYSQL_ON_CONFLICT : database.dialect().onConflictDoNothing());
    this.select = SqlStatement.of(database, SELECT);
    this.delete = SqlStatement.of(database, DELETE);
    this.list = SqlStatement.of(database, LIST);
  }

  /**
   * Checks the table and creates the store. Blocks.
   *
   * @param database database of its table
   * @return new store
   * @throws io.commslib.core.StoreException {@code COMMS-JDBC-010} if the table is missing, {@code
   *     COMMS-JDBC-011} or {@code COMMS-JDBC-012} if its version does not fit; {@code TRANSIENT} if
   *     the database can't be reached
   */
  public static JdbcBlockedKeyStore create(JdbcDatabase database) {
    Objects.requireNonNull(database, "database");
    BlockedKeysSchema.scripts().check(database);
    return new JdbcBlockedKeyStore(database);
  }

  @Override
  public boolean needsPlatformThreads() {
    return transactions.needsPlatformThreads();
  }

  @Override
  public void block(String consumer, String key, int level) {
    Checks.inRange("level", level, 0, Integer.MAX_VALUE);
    run(
        "block",
        connection -> {
          // The insert runs first, so that the second of two concurrent calls raises the level.
          if (!insert(connection, consumer, key, level)) {
            raise.update(connection, level, consumer, key, level);
          }
          return true;
        });
  }

  private boolean insert(Connection connection, String consumer, String key, int level)
      throws SQLException {
    try {
      return insert.update(connection, consumer, key, level) > 0 || isUpsert;
    } catch (SQLException e) {
      if (SqlErrors.isDuplicateKey(e)) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public OptionalInt level(String consumer, String key) {
    return run(
        "level",
        connection -> {
          Integer level = select.one(connection, row -> row.getInt(1), consumer, key);
          return level == null ? OptionalInt.empty() : OptionalInt.of(level);
        });
  }

  @Override
  public boolean release(String consumer, String key) {
    return run("release", connection -> delete.update(connection, consumer, key) == 1);
  }

  @Override
  public List<String> list(String consumer, int limit) {
    Checks.inRange("limit", limit, 1, 100_000);
    return run(
        "list", connection -> list.list(connection, row -> row.getString(1), consumer, limit));
  }

  private <T> T run(String doing, Work<T> work) {
    try {
      return transactions.<T, SQLException>run(tx -> work.run(tx.unwrap(Connection.class)));
    } catch (SQLException e) {
      throw SqlErrors.translate("blocked keys: " + doing, e);
    }
  }
}
