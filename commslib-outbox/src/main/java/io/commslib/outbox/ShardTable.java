package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The statements of {@link ShardLeases}, for one node. All times are the database's. No statement
 * waits for a row that another relay has locked, except {@link #lock}. Immutable.
 */
final class ShardTable {

  /** A node without a heartbeat for this number of leases is removed. */
  private static final int DEAD_AFTER_LEASES = 20;

  private final String node;
  private final long leaseMillis;
  private final String renew;
  private final String epochs;
  private final String expired;
  private final String take;
  private final String release;
  private final String releaseAll;
  private final String lock;
  private final String unowned;
  private final String takeableWithMessages;
  private final String heartbeat;
  private final String insertNode;
  private final String liveNodes;
  private final String deadNodes;
  private final String deleteNode;

  ShardTable(JdbcDatabase database, String node, Duration lease) {
    this.node = node;
    this.leaseMillis = lease.toMillis();
    this.renew =
        OutboxSql.of(
            database,
            """
            UPDATE @shard SET lease_until = @now_plus_millis
            WHERE owner = ?
            """);
    this.epochs =
        OutboxSql.of(
            database,
            """
            SELECT shard, epoch FROM @shard
            WHERE owner = ?
            """);
    // A row may be locked by a stalled relay: waiting for it could cost this relay its own leases.
    this.expired =
        OutboxSql.of(
            database,
            """
            SELECT shard FROM @shard
            WHERE lease_until <= @now
            ORDER BY shard
            FOR UPDATE SKIP LOCKED
            """);
    this.take =
        database.dialect().waitingAtMost(Duration.ZERO)
            + OutboxSql.of(
                database,
                """
                UPDATE @shard SET owner = ?, epoch = epoch + 1, lease_until = @now_plus_millis
                WHERE shard = ? AND lease_until <= @now
                """);
    this.release =
        OutboxSql.of(
            database,
            """
            UPDATE @shard SET owner = NULL, lease_until = @now
            WHERE shard = ? AND owner = ?
            """);
    this.releaseAll =
        OutboxSql.of(
            database,
            """
            UPDATE @shard SET owner = NULL, lease_until = @now
            WHERE owner = ?
            """);
    this.lock =
        OutboxSql.of(
            database,
            """
            SELECT %s FROM @shard
            WHERE shard = ? AND owner = ? AND epoch = ?
            FOR UPDATE
            """
                .formatted(
                    database.dialect() == SqlDialect.POSTGRESQL ? idleTimeout(leaseMillis) : "1"));
    this.unowned =
        OutboxSql.of(
            database,
            """
            SELECT count(*) FROM @shard
            WHERE owner IS NULL OR lease_until <= @now
            """);
    this.takeableWithMessages =
        OutboxSql.of(
            database,
            """
            SELECT s.shard FROM @shard s
            WHERE (s.owner IS NULL OR s.owner = ? OR s.lease_until <= @now)
            AND EXISTS (SELECT 1 FROM @message m WHERE m.shard = s.shard)
            """);
    this.heartbeat =
        OutboxSql.of(
            database,
            """
            UPDATE @node SET heartbeat = @now
            WHERE node = ?
            """);
    this.insertNode =
        OutboxSql.of(database, "INSERT INTO @node (node, heartbeat) VALUES (?, @now)");
    this.liveNodes =
        OutboxSql.of(database, "SELECT count(*) FROM @node WHERE heartbeat > @now_plus_millis");
    this.deadNodes =
        OutboxSql.of(database, "SELECT node FROM @node WHERE heartbeat < @now_plus_millis");
    this.deleteNode = OutboxSql.of(database, "DELETE FROM @node WHERE node = ?");
  }

  private static String idleTimeout(long millis) {
    return "set_config('idle_in_transaction_session_timeout', '" + millis + "', true)";
  }

  /** Renews the lease of all shards of this node. */
  void renew(Connection connection) throws SQLException {
    RowTables.update(connection, renew, leaseMillis, node);
  }

  /** The epochs of the shards that this node owns. */
  Map<Integer, Long> epochs(Connection connection) throws SQLException {
    Map<Integer, Long> found = new HashMap<>();
    try (PreparedStatement select = connection.prepareStatement(epochs)) {
      select.setString(1, node);
      try (ResultSet rows = select.executeQuery()) {
        while (rows.next()) {
          found.put(rows.getInt(1), rows.getLong(2));
        }
      }
    }
    return found;
  }

  /** Shards whose lease has expired, at most {@code limit}, without locked rows. */
  List<Integer> expired(Connection connection, int limit) throws SQLException {
    List<Integer> shards = new ArrayList<>();
    try (PreparedStatement select = connection.prepareStatement(expired);
        ResultSet rows = select.executeQuery()) {
      while (rows.next() && shards.size() < limit) {
        shards.add(rows.getInt(1));
      }
    }
    return shards;
  }

  /**
   * Takes an expired shard. Nothing changes if another relay has its row; {@link #epochs} tells.
   */
  void take(Connection connection, int shard) throws SQLException {
    try {
      RowTables.update(connection, take, node, leaseMillis, shard);
    } catch (SQLException e) {
      if (!SqlErrors.isLockTimeout(e)) {
        throw e;
      }
    }
  }

  void release(Connection connection, int shard) throws SQLException {
    RowTables.update(connection, release, shard, node);
  }

  /** Releases all shards of this node and removes the node. */
  void releaseAll(Connection connection) throws SQLException {
    RowTables.update(connection, releaseAll, node);
    RowTables.update(connection, deleteNode, node);
  }

  /**
   * Locks a shard's row until the transaction ends; returns false if this node does not own it with
   * this epoch. On PostgreSQL the server ends the transaction if it then stays idle for a lease.
   */
  boolean lock(Connection connection, int shard, long epoch) throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(lock)) {
      RowTables.bind(select, shard, node, epoch);
      try (ResultSet row = select.executeQuery()) {
        return row.next();
      }
    }
  }

  /** The number of shards without an owner. */
  int unowned(Connection connection) throws SQLException {
    return number(connection, unowned);
  }

  /** Shards with messages that no other relay owns. */
  List<Integer> takeableWithMessages(Connection connection) throws SQLException {
    List<Integer> shards = new ArrayList<>();
    try (PreparedStatement select = connection.prepareStatement(takeableWithMessages)) {
      select.setString(1, node);
      try (ResultSet rows = select.executeQuery()) {
        while (rows.next()) {
          shards.add(rows.getInt(1));
        }
      }
    }
    return shards;
  }

  /** The number of nodes whose heartbeat is newer than one lease. */
  int liveNodes(Connection connection) throws SQLException {
    return number(connection, liveNodes, -leaseMillis);
  }

  /** Records that this node is alive; a new node also removes dead ones. */
  void heartbeat(Connection connection) throws SQLException {
    if (RowTables.update(connection, heartbeat, node) == 0) {
      RowTables.update(connection, insertNode, node);
      removeDeadNodes(connection);
    }
  }

  /**
   * Reads first, because a delete by age would wait for the rows of live nodes on some databases.
   */
  private void removeDeadNodes(Connection connection) throws SQLException {
    List<String> dead = new ArrayList<>();
    try (PreparedStatement select = connection.prepareStatement(deadNodes)) {
      select.setLong(1, -DEAD_AFTER_LEASES * leaseMillis);
      try (ResultSet found = select.executeQuery()) {
        while (found.next()) {
          dead.add(found.getString(1));
        }
      }
    }
    for (String gone : dead) {
      RowTables.update(connection, deleteNode, gone);
    }
  }

  private static int number(Connection connection, String sql, Object... parameters)
      throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      RowTables.bind(select, parameters);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return row.getInt(1);
      }
    }
  }
}
