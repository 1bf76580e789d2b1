package io.commslib.outbox;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/**
 * The number of shards, stored as the rows of the shard table. The first outbox on the tables,
 * whether a writer's or a relay's, inserts the rows; every other one compares. With different
 * numbers, rows would be in shards that no relay reads, and messages of one key in two shards.
 * Immutable.
 */
final class ShardCount {

  private final JdbcDatabase database;
  private final int shards;

  ShardCount(JdbcDatabase database, int shards) {
    this.database = database;
    this.shards = shards;
  }

  /**
   * Inserts the rows if there are none, and compares. Must be called in a short transaction of its
   * own: transactions that do this at the same time wait for the first one's commit.
   *
   * @throws StoreException {@code COMMS-OUTBOX-001} if the tables were made with another number
   */
  void store(Connection connection) throws SQLException {
    // The first to insert row 0 inserts the rest; others wait for its commit and then see them all.
    if (storedCount(connection) == 0 && insertRow(connection, 0)) {
      for (int shard = 1; shard < shards; shard++) {
        insertRow(connection, shard);
      }
    }
    compare(storedCount(connection));
  }

  private void compare(int present) {
    if (present != shards) {
      throw new StoreException(
          "COMMS-OUTBOX-001",
          FailureKind.PERMANENT,
          "shards: " + shards + " (expected: " + present + ", with which the tables were made)",
          null);
    }
  }

  private int storedCount(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet row =
            statement.executeQuery(OutboxSql.of(database, "SELECT count(*) FROM @shard"))) {
      row.next();
      return row.getInt(1);
    }
  }

  private boolean insertRow(Connection connection, int shard) throws SQLException {
    String sql =
        OutboxSql.of(
            database,
            """
            INSERT INTO @shard (shard, epoch, lease_until)
            VALUES (?, 0, @now) @or_ignore_duplicate
            """);
    try (PreparedStatement insert = connection.prepareStatement(sql)) {
      insert.setInt(1, shard);
      return insert.executeUpdate() == 1;
    } catch (SQLException e) {
      if (SqlErrors.isDuplicateKey(e)) {
        return false;
      }
      throw e;
    }
  }
}
