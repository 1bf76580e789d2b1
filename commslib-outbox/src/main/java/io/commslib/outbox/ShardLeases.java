package io.commslib.outbox;

import io.commslib.core.FailureKind;
import io.commslib.core.StoreException;
import io.commslib.core.time.TimeSource;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlErrors;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;

/**
 * Which shards this relay owns. Ownership lasts for a lease by the database's clock and carries an
 * epoch that grows with each change of owner; every deciding write checks it. By its own monotonic
 * clock a relay stops three seconds before its lease ends, so that a pause does not make it publish
 * what another already owns. Confined to the relay's thread.
 */
final class ShardLeases {

  private static final Duration MARGIN = Duration.ofSeconds(3);

  private final JdbcDatabase database;
  private final OutboxConfig config;
  private final TimeSource time;
  private final String node;
  private final String shardTable;
  private final String nodeTable;
  private final Map<Integer, Long> epochs = new TreeMap<>();
  private final Set<Integer> leaving = new HashSet<>();
  private long leaseEndNanos;
  private long nextTickNanos;

  ShardLeases(JdbcDatabase database, OutboxConfig config, TimeSource time, String node) {
    this.database = database;
    this.config = config;
    this.time = time;
    this.node = node;
    this.shardTable = database.table("outbox_shard");
    this.nodeTable = database.table("outbox_node");
    this.nextTickNanos = time.nanoTime();
  }

  /** Makes the shard rows, once; refuses a table made for another number of shards. */
  void prepare(Connection connection) throws SQLException {
    int present = number(connection, "SELECT count(*) FROM " + shardTable);
    if (present != 0 && present != config.shards()) {
      throw new StoreException(
          "COMMS-OUTBOX-001",
          FailureKind.PERMANENT,
          "shards: "
              + config.shards()
              + " (expected: "
              + present
              + ", with which the tables were made)",
          null);
    }
    try (PreparedStatement insert =
        connection.prepareStatement(
            "INSERT INTO "
                + shardTable
                + " (shard, epoch, lease_until) SELECT ?, 0, "
                + database.dialect().now()
                + " WHERE NOT EXISTS (SELECT 1 FROM "
                + shardTable
                + " WHERE shard = ?)"
                + database.dialect().onConflictDoNothing())) {
      for (int shard = 0; shard < config.shards(); shard++) {
        insert.setInt(1, shard);
        insert.setInt(2, shard);
        try {
          insert.executeUpdate();
        } catch (SQLException e) {
          if (!SqlErrors.isDuplicateKey(e)) {
            throw e;
          }
        }
      }
    }
  }

  boolean isTickDue() {
    return time.nanoTime() - nextTickNanos >= 0;
  }

  long nanosToTick() {
    return Math.max(0, nextTickNanos - time.nanoTime());
  }

  /**
   * Renews what is owned, lets go of more than a fair share, takes expired shards up to it. One
   * transaction.
   */
  void tick(Connection connection, Set<Integer> busy) throws SQLException {
    long started = time.nanoTime();
    long lease = config.leaseTime().toMillis();
    beat(connection);
    int live =
        number(
            connection,
            "SELECT count(*) FROM "
                + nodeTable
                + " WHERE heartbeat > "
                + database.dialect().nowPlusMillis(),
            -lease);
    renew(connection, lease);
    int fair = (config.shards() + Math.max(1, live) - 1) / Math.max(1, live);
    letGo(connection, fair, busy);
    take(connection, fair, lease);
    leaseEndNanos = started + config.leaseTime().toNanos();
    boolean hungry = epochs.size() < Math.min(fair, config.shards());
    nextTickNanos =
        started
            + (hungry || !leaving.isEmpty()
                ? Duration.ofSeconds(1).toNanos()
                : config.leaseTime().toNanos() / 3);
  }

  private void beat(Connection connection) throws SQLException {
    String now = database.dialect().now();
    if (update(
            connection, "UPDATE " + nodeTable + " SET heartbeat = " + now + " WHERE node = ?", node)
        == 0) {
      update(connection, "INSERT INTO " + nodeTable + " VALUES (?, " + now + ")", node);
      update(
          connection,
          "DELETE FROM " + nodeTable + " WHERE heartbeat < " + database.dialect().nowPlusMillis(),
          -20 * config.leaseTime().toMillis());
    }
  }

  private void renew(Connection connection, long lease) throws SQLException {
    update(
        connection,
        "UPDATE "
            + shardTable
            + " SET lease_until = "
            + database.dialect().nowPlusMillis()
            + " WHERE owner = ?",
        lease,
        node);
    epochs.clear();
    epochs.putAll(readEpochs(connection));
  }

  private void letGo(Connection connection, int fair, Set<Integer> busy) throws SQLException {
    leaving.retainAll(epochs.keySet());
    List<Integer> owned = new ArrayList<>(epochs.keySet());
    Collections.reverse(owned);
    for (int shard : owned) {
      if (epochs.size() <= fair) {
        leaving.clear();
        return;
      }
      leaving.add(shard);
      if (!busy.contains(shard)) {
        release(connection, shard);
      }
    }
  }

  private void release(Connection connection, int shard) throws SQLException {
    update(
        connection,
        "UPDATE "
            + shardTable
            + " SET owner = NULL, lease_until = "
            + database.dialect().now()
            + " WHERE shard = ? AND owner = ?",
        shard,
        node);
    epochs.remove(shard);
    leaving.remove(shard);
  }

  private void take(Connection connection, int fair, long lease) throws SQLException {
    int wanted = fair - epochs.size();
    if (wanted <= 0) {
      return;
    }
    String expired = " lease_until <= " + database.dialect().now();
    List<Integer> free = new ArrayList<>();
    try (PreparedStatement select =
            connection.prepareStatement(
                "SELECT shard FROM " + shardTable + " WHERE" + expired + " ORDER BY shard");
        ResultSet rows = select.executeQuery()) {
      while (rows.next() && free.size() < wanted) {
        free.add(rows.getInt(1));
      }
    }
    for (int shard : free) {
      // Another relay may have been quicker: then nothing changes and the epochs read below say so.
      update(
          connection,
          "UPDATE "
              + shardTable
              + " SET owner = ?, epoch = epoch + 1, lease_until = "
              + database.dialect().nowPlusMillis()
              + " WHERE shard = ? AND"
              + expired,
          node,
          lease,
          shard);
    }
    if (!free.isEmpty()) {
      epochs.putAll(readEpochs(connection));
    }
  }

  /** Gives all shards back, so that the next owner need not wait for the lease to end. */
  void releaseAll(Connection connection) throws SQLException {
    for (int shard : new ArrayList<>(epochs.keySet())) {
      release(connection, shard);
    }
    update(connection, "DELETE FROM " + nodeTable + " WHERE node = ?", node);
  }

  /** Shards to read from now; none once the lease is too near its end. */
  Set<Integer> readable() {
    if (!isSafe()) {
      return Set.of();
    }
    Set<Integer> shards = new HashSet<>(epochs.keySet());
    shards.removeAll(leaving);
    return shards;
  }

  /** Whether the lease lasts long enough to begin something. */
  boolean isSafe() {
    return leaseEndNanos - MARGIN.toNanos() - time.nanoTime() > 0;
  }

  boolean owns(int shard) {
    return epochs.containsKey(shard);
  }

  int ownedCount() {
    return epochs.size();
  }

  /** Locks the shard's row for a deciding write; false if it is no longer ours. */
  boolean fence(Connection connection, int shard) throws SQLException {
    Long epoch = epochs.get(shard);
    if (epoch == null) {
      return false;
    }
    int ours =
        update(
            connection,
            "UPDATE "
                + shardTable
                + " SET epoch = epoch WHERE shard = ? AND owner = ? AND epoch = ?",
            shard,
            node,
            epoch);
    if (ours == 0) {
      epochs.remove(shard);
    }
    return ours == 1;
  }

  /** Drops the shards whose epoch has changed; called in each acknowledgement's transaction. */
  void compareEpochs(Connection connection) throws SQLException {
    Map<Integer, Long> now = readEpochs(connection);
    epochs.entrySet().removeIf(owned -> !owned.getValue().equals(now.get(owned.getKey())));
  }

  private Map<Integer, Long> readEpochs(Connection connection) throws SQLException {
    Map<Integer, Long> found = new HashMap<>();
    try (PreparedStatement select =
        connection.prepareStatement(
            "SELECT shard, epoch FROM " + shardTable + " WHERE owner = ?")) {
      select.setString(1, node);
      try (ResultSet rows = select.executeQuery()) {
        while (rows.next()) {
          found.put(rows.getInt(1), rows.getLong(2));
        }
      }
    }
    return found;
  }

  private static int number(Connection connection, String sql, Object... parameters)
      throws SQLException {
    try (PreparedStatement select = connection.prepareStatement(sql)) {
      bind(select, parameters);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return row.getInt(1);
      }
    }
  }

  private static int update(Connection connection, String sql, Object... parameters)
      throws SQLException {
    try (PreparedStatement update = connection.prepareStatement(sql)) {
      bind(update, parameters);
      return update.executeUpdate();
    }
  }

  private static void bind(PreparedStatement statement, Object... parameters) throws SQLException {
    for (int i = 0; i < parameters.length; i++) {
      statement.setObject(i + 1, parameters[i]);
    }
  }
}
