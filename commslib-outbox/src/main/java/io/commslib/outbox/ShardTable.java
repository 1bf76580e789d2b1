package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import io.commslib.jdbc.SqlErrors;
import io.commslib.jdbc.SqlStatement;
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
  private final SqlStatement renew;
  private final SqlStatement epochs;
  private final SqlStatement expired;
  private final SqlStatement take;
  private final SqlStatement release;
  private final SqlStatement releaseAll;
  private final SqlStatement lock;
  private final SqlStatement unowned;
  private final SqlStatement takeableWithMessages;
  private final SqlStatement heartbeat;
  private final SqlStatement insertNode;
  private final SqlStatement liveNodes;
  private final SqlStatement deadNodes;
  private final SqlStatement deleteNode;

  ShardTable(JdbcDatabase database, String node, Duration lease) {
    this.node = node;
    this.leaseMillis = lease.toMillis();
    this.renew =
        OutboxSql.statement(
            database,
            """
            UPDATE @shard SET lease_until = @now_plus_millis
            WHERE owner = ?
            """);
    this.epochs =
        OutboxSql.statement(
            database,
            """
            SELECT shard, epoch FROM @shard
            WHERE owner = ?
            """);
    // A row may be locked by a stalled relay: waiting for it could cost this relay its own leases.
    this.expired =
        OutboxSql.statement(
            database,
            """
            SELECT shard FROM @shard
            WHERE lease_until <= @now
            ORDER BY shard
            FOR UPDATE SKIP LOCKED
            """);
    this.take =
        OutboxSql.statement(
            database,
            database.dialect().waitingAtMost(Duration.ZERO)
                + """
                UPDATE @shard SET owner = ?, epoch = epoch + 1, lease_until = @now_plus_millis
                WHERE shard = ? AND lease_until <= @now
                """);
    this.release =
        OutboxSql.statement(
            database,
            """
            UPDATE @shard SET owner = NULL, lease_until = @now
            WHERE shard = ? AND owner = ?
            """);
    this.releaseAll =
        OutboxSql.statement(
            database,
            """
            UPDATE @shard SET owner = NULL, lease_until = @now
            WHERE owner = ?
            """);
    this.lock =
        OutboxSql.statement(
            database,
            """
            SELECT %s FROM @shard
            WHERE shard = ? AND owner = ? AND epoch = ?
            FOR UPDATE
            """
                .formatted(
                    database.dialect() == SqlDialect.POSTGRESQL ? idleTimeout(leaseMillis) : "1"));
    this.unowned =
        OutboxSql.statement(
            database,
            """
            SELECT count(*) FROM @shard
            WHERE owner IS NULL OR lease_until <= @now
            """);
    this.takeableWithMessages =
        OutboxSql.statement(
            database,
            """
            SELECT s.shard FROM @shard s
            WHERE (s.owner IS NULL OR s.owner = ? OR s.lease_until <= @now)
            AND EXISTS (SELECT 1 FROM @message m WHERE m.shard = s.shard)
            """);
    this.heartbeat =
        OutboxSql.statement(
            database,
            """
            UPDATE @node SET heartbeat = @now
            WHERE node = ?
            """);
    this.insertNode =
        OutboxSql.statement(database, "INSERT INTO @node (node, heartbeat) VALUES (?, @now)");
    this.liveNodes =
        OutboxSql.statement(
            database, "SELECT count(*) FROM @node WHERE heartbeat > @now_plus_millis");
    this.deadNodes =
        OutboxSql.statement(database, "SELECT node FROM @node WHERE heartbeat < @now_plus_millis");
    this.deleteNode = OutboxSql.statement(database, "DELETE FROM @node WHERE node = ?");
  }

  private static String idleTimeout(long millis) {
    return "set_config('idle_in_transaction_session_timeout', '" + millis + "', true)";
  }

  /** Renews the lease of all shards of this node. */
  void renew(Connection connection) throws SQLException {
    renew.update(connection, leaseMillis, node);
  }

  /** The epochs of the shards that this node owns. */
  Map<Integer, Long> epochs(Connection connection) throws SQLException {
    Map<Integer, Long> found = new HashMap<>();
    epochs.list(connection, row -> found.put(row.getInt(1), row.getLong(2)), node);
    return found;
  }

  /** Shards whose lease has expired, at most {@code limit}, without locked rows. */
  List<Integer> expired(Connection connection, int limit) throws SQLException {
    List<Integer> shards = new ArrayList<>();
    try (PreparedStatement select = connection.prepareStatement(expired.text());
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
      take.update(connection, node, leaseMillis, shard);
    } catch (SQLException e) {
      if (!SqlErrors.isLockTimeout(e)) {
        throw e;
      }
    }
  }

  void release(Connection connection, int shard) throws SQLException {
    release.update(connection, shard, node);
  }

  /** Releases all shards of this node and removes the node. */
  void releaseAll(Connection connection) throws SQLException {
    releaseAll.update(connection, node);
    deleteNode.update(connection, node);
  }

  /**
   * Locks a shard's row until the transaction ends; returns false if this node does not own it with
   * this epoch. On PostgreSQL the server ends the transaction if it then stays idle for a lease.
   */
  boolean lock(Connection connection, int shard, long epoch) throws SQLException {
    return lock.one(connection, row -> true, shard, node, epoch) != null;
  }

  /** The number of shards without an owner. */
  int unowned(Connection connection) throws SQLException {
    return (int) unowned.number(connection);
  }

  /** Shards with messages that no other relay owns. */
  List<Integer> takeableWithMessages(Connection connection) throws SQLException {
    return takeableWithMessages.list(connection, row -> row.getInt(1), node);
  }

  /** The number of nodes whose heartbeat is newer than one lease. */
  int liveNodes(Connection connection) throws SQLException {
    return (int) liveNodes.number(connection, -leaseMillis);
  }

  /** Records that this node is alive; a new node also removes dead ones. */
  void heartbeat(Connection connection) throws SQLException {
    if (heartbeat.update(connection, node) == 0) {
      insertNode.update(connection, node);
      removeDeadNodes(connection);
    }
  }

  /**
   * Reads first, because a delete by age would wait for the rows of live nodes on some databases.
   */
  private void removeDeadNodes(Connection connection) throws SQLException {
    for (String gone :
        deadNodes.list(connection, row -> row.getString(1), -DEAD_AFTER_LEASES * leaseMillis)) {
      deleteNode.update(connection, gone);
    }
  }
}
