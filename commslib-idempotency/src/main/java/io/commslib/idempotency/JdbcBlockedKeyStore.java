package io.commslib.idempotency;

import io.commslib.core.checks.Checks;
import io.commslib.core.messaging.BlockedKeyStore;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.JdbcTransactionRunner;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;

/**
 * Held keys in a table of a database, that of {@link BlockedKeysSchema}, each call in a transaction
 * of its own. Members of one group must share it. Thread-safe; holds no connection between calls.
 */
public final class JdbcBlockedKeyStore implements BlockedKeyStore {

  /** One call's work on a connection. */
  @FunctionalInterface
  private interface Work<T> {
    T run(Connection connection) throws SQLException;
  }

  private final JdbcTransactionRunner transactions;
  private final boolean isUpsert;
  private final String raise;
  private final String insert;
  private final String select;
  private final String delete;
  private final String list;

  private JdbcBlockedKeyStore(JdbcDatabase database) {
    this.transactions = JdbcTransactionRunner.create(database);
    String table = database.table("held_keys");
    String key = " WHERE consumer = ? AND lane_key = ?";
    this.isUpsert = database.dialect().isMySql();
    this.raise = "UPDATE " + table + " SET hold_level = ?" + key + " AND hold_level < ?";
    this.insert =
        "INSERT INTO "
            + table
            + " (consumer, lane_key, hold_level, held_at) VALUES (?, ?, ?, "
            + database.dialect().now()
            + ")"
            + (isUpsert
                // A plain insert would leave a shared lock on the row it meets.
                ? " ON DUPLICATE KEY UPDATE hold_level = GREATEST(hold_level, VALUES(hold_level))"
                : database.dialect().onConflictDoNothing());
    this.select = "SELECT hold_level FROM " + table + key;
    this.delete = "DELETE FROM " + table + key;
    this.list = "SELECT lane_key FROM " + table + " WHERE consumer = ? LIMIT ?";
  }

  /**
   * Checks the table and creates the store. Blocks.
   *
   * @param database where its table lies
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
        "hold",
        connection -> {
          // Inserted first: of two that hold the key at once, the second one raises the level.
          if (!insert(connection, consumer, key, level)) {
            try (PreparedStatement statement = connection.prepareStatement(raise)) {
              statement.setInt(1, level);
              statement.setString(2, consumer);
              statement.setString(3, key);
              statement.setInt(4, level);
              statement.executeUpdate();
            }
          }
          return true;
        });
  }

  private boolean insert(Connection connection, String consumer, String key, int level)
      throws SQLException {
    try (PreparedStatement statement = connection.prepareStatement(insert)) {
      statement.setString(1, consumer);
      statement.setString(2, key);
      statement.setInt(3, level);
      return statement.executeUpdate() > 0 || isUpsert;
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
          try (PreparedStatement statement = keyed(connection, select, consumer, key);
              ResultSet row = statement.executeQuery()) {
            return row.next() ? OptionalInt.of(row.getInt(1)) : OptionalInt.empty();
          }
        });
  }

  @Override
  public boolean release(String consumer, String key) {
    return run(
        "release",
        connection -> {
          try (PreparedStatement statement = keyed(connection, delete, consumer, key)) {
            return statement.executeUpdate() == 1;
          }
        });
  }

  @Override
  public List<String> list(String consumer, int limit) {
    Checks.inRange("limit", limit, 1, 100_000);
    return run(
        "list",
        connection -> {
          try (PreparedStatement statement = connection.prepareStatement(list)) {
            statement.setString(1, consumer);
            statement.setInt(2, limit);
            List<String> keys = new ArrayList<>();
            try (ResultSet rows = statement.executeQuery()) {
              while (rows.next()) {
                keys.add(rows.getString(1));
              }
            }
            return keys;
          }
        });
  }

  private static PreparedStatement keyed(
      Connection connection, String sql, String consumer, String key) throws SQLException {
    PreparedStatement statement = connection.prepareStatement(sql);
    statement.setString(1, consumer);
    statement.setString(2, key);
    return statement;
  }

  private <T> T run(String doing, Work<T> work) {
    try {
      return transactions.<T, SQLException>run(tx -> work.run(tx.unwrap(Connection.class)));
    } catch (SQLException e) {
      throw SqlErrors.translate("held keys: " + doing, e);
    }
  }
}
