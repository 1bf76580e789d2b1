package io.commslib.outbox;

import io.commslib.core.time.TimeSource;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
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
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;

/**
 * Which shards this relay owns. Ownership lasts for a lease by the database's clock and carries an
 * epoch that grows with each change of owner; every deciding write checks it. By its own monotonic
 * clock a relay stops three seconds before its lease ends, so that a pause does not make it publish
 * what another already owns.
 *
 * <p>Thread-safe: the lease thread calls {@link #tick} and {@link #install}, the relay's thread
 * reads {@link #current} and reports what it finds lost or has finished.
 */
final class ShardLeases {

  /** With a long lease another relay shall not wait long for its share. */
  private static final Duration MAX_TICK_INTERVAL = Duration.ofSeconds(5);

  private record Drained(ShardOwnership seen, Set<Integer> shards) {}

  private final JdbcDatabase database;
  private final OutboxConfig config;
  private final TimeSource time;
  private final String node;
  private final String shardTable;
  private final String nodeTable;
  private final AtomicReference<ShardOwnership> ownership;
  private final AtomicReference<Drained> drained;
  private final AtomicLong losses = new AtomicLong();
  private volatile boolean balanced;

  ShardLeases(JdbcDatabase database, OutboxConfig config, TimeSource time, String node) {
    this.database = database;
    this.config = config;
    this.time = time;
    this.node = node;
    this.shardTable = database.table("outbox_shard");
    this.nodeTable = database.table("outbox_node");
    ShardOwnership none = ShardOwnership.none(time.nanoTime());
    this.ownership = new AtomicReference<>(none);
    this.drained = new AtomicReference<>(new Drained(none, Set.of()));
  }

  /** Makes the shard rows, once; refuses a table made for another number of shards. */
  void prepare(Connection connection) throws SQLException {
    new ShardCount(database, config.shards()).store(connection);
  }

  /** Under which name this relay owns shards. */
  String node() {
    return node;
  }

  /** How many there are. */
  int shards() {
    return config.shards();
  }

  /** What is owned now. */
  ShardOwnership current() {
    return ownership.get();
  }

  /**
   * Renews what is owned, lets go of more than a fair share, takes expired shards up to it. Holds
   * only once {@link #install} was called. Each statement is to commit by itself: a process that
   * stands still between two of them must not keep its shards locked from those that would take
   * them. What a tick that fails has taken already the next one finds as its own.
   */
  ShardOwnership tick(Connection connection) throws SQLException {
    long started = time.nanoTime();
    long lease = config.leaseTime().toMillis();
    heartbeat(connection);
    update(
        connection,
        "UPDATE "
            + shardTable
            + " SET lease_until = "
            + database.dialect().nowPlusMillis()
            + " WHERE owner = ?",
        lease,
        node);
    Map<Integer, Long> epochs = new TreeMap<>(readEpochs(connection));
    int fair = fairShare(connection);
    Set<Integer> leaving = chooseLeaving(connection, epochs, fair);
    takeExpired(connection, epochs, fair, lease);
    balanced = leaving.isEmpty() && epochs.size() == fair;
    return new ShardOwnership(epochs, leaving, started + config.leaseTime().toNanos());
  }

  /** Makes the result of a committed tick the current ownership. */
  void install(ShardOwnership ticked) {
    ownership.set(ticked);
  }

  /** Whether what was owned is no longer safe to use, since no tick came through in time. */
  boolean hasLapsed() {
    ShardOwnership now = ownership.get();
    return !now.epochs().isEmpty() && !now.isSafe(time.nanoTime());
  }

  /** How long until the next tick: soon while shards are changing hands. */
  Duration untilNextTick() {
    Duration third = config.leaseTime().dividedBy(3);
    Duration calm = third.compareTo(MAX_TICK_INTERVAL) < 0 ? third : MAX_TICK_INTERVAL;
    return balanced ? calm : Duration.ofSeconds(1);
  }

  /** How many shards nobody owns just now. */
  int unowned(Connection connection) throws SQLException {
    return number(
        connection,
        "SELECT count(*) FROM "
            + shardTable
            + " WHERE owner IS NULL OR lease_until <= "
            + database.dialect().now());
  }

  /**
   * Whether there is a message in a shard that no relay owns just now, or that this one has taken
   * since {@code seen}.
   */
  boolean hasMessagesInFreeShards(Connection connection, ShardOwnership seen) throws SQLException {
    try (PreparedStatement select =
        connection.prepareStatement(
            "SELECT s.shard FROM "
                + shardTable
                + " s WHERE (s.owner IS NULL OR s.owner = ? OR s.lease_until <= "
                + database.dialect().now()
                + ") AND EXISTS (SELECT 1 FROM "
                + database.table("outbox_message")
                + " m WHERE m.shard = s.shard)")) {
      select.setString(1, node);
      try (ResultSet rows = select.executeQuery()) {
        while (rows.next()) {
          if (!seen.owns(rows.getInt(1))) {
            return true;
          }
        }
      }
    }
    return false;
  }

  /** The shards by those relays that have shown a sign of life within a lease. */
  private int fairShare(Connection connection) throws SQLException {
    int live =
        number(
            connection,
            "SELECT count(*) FROM "
                + nodeTable
                + " WHERE heartbeat > "
                + database.dialect().nowPlusMillis(),
            -config.leaseTime().toMillis());
    return (config.shards() + Math.max(1, live) - 1) / Math.max(1, live);
  }

  private void heartbeat(Connection connection) throws SQLException {
    String now = database.dialect().now();
    if (update(
            connection, "UPDATE " + nodeTable + " SET heartbeat = " + now + " WHERE node = ?", node)
        == 0) {
      update(
          connection,
          "INSERT INTO " + nodeTable + " (node, heartbeat) VALUES (?, " + now + ")",
          node);
      removeDeadNodes(connection);
    }
  }

  /** Looked for first: some databases would wait for the rows of those that are alive. */
  private void removeDeadNodes(Connection connection) throws SQLException {
    List<String> dead = new ArrayList<>();
    try (PreparedStatement select =
        connection.prepareStatement(
            "SELECT node FROM "
                + nodeTable
                + " WHERE heartbeat < "
                + database.dialect().nowPlusMillis())) {
      select.setLong(1, -20 * config.leaseTime().toMillis());
      try (ResultSet found = select.executeQuery()) {
        while (found.next()) {
          dead.add(found.getString(1));
        }
      }
    }
    for (String gone : dead) {
      update(connection, "DELETE FROM " + nodeTable + " WHERE node = ?", gone);
    }
  }

  /** Chooses what to let go, those already chosen first; releases what the relay has finished. */
  private Set<Integer> chooseLeaving(Connection connection, Map<Integer, Long> epochs, int fair)
      throws SQLException {
    ShardOwnership before = ownership.get();
    List<Integer> candidates = new ArrayList<>(epochs.keySet());
    Collections.reverse(candidates);
    candidates.sort(
        (a, b) -> Boolean.compare(before.leaving().contains(b), before.leaving().contains(a)));
    Set<Integer> leaving =
        new HashSet<>(candidates.subList(0, Math.max(0, candidates.size() - fair)));
    Drained report = drained.get();
    // Only of use if the relay's thread has seen no other ownership since: else it may read again.
    if (report.seen() == before) {
      for (int shard : report.shards()) {
        if (leaving.remove(shard)) {
          ownership.updateAndGet(now -> now.without(shard));
          release(connection, shard);
          epochs.remove(shard);
        }
      }
    }
    return leaving;
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
  }

  private void takeExpired(Connection connection, Map<Integer, Long> epochs, int fair, long lease)
      throws SQLException {
    int wanted = fair - epochs.size();
    if (wanted <= 0) {
      return;
    }
    String expired = " lease_until <= " + database.dialect().now();
    // A row may be held by a relay that stands still: waiting for it would cost this one its own.
    List<Integer> free = new ArrayList<>();
    try (PreparedStatement select =
            connection.prepareStatement(
                "SELECT shard FROM "
                    + shardTable
                    + " WHERE"
                    + expired
                    + " ORDER BY shard FOR UPDATE SKIP LOCKED");
        ResultSet rows = select.executeQuery()) {
      while (rows.next() && free.size() < wanted) {
        free.add(rows.getInt(1));
      }
    }
    for (int shard : free) {
      takeShard(connection, shard, expired, lease);
    }
    if (!free.isEmpty()) {
      epochs.putAll(readEpochs(connection));
    }
  }

  /** Another relay may be quicker: then nothing changes, and the epochs read afterwards say so. */
  private void takeShard(Connection connection, int shard, String expired, long lease)
      throws SQLException {
    try {
      update(
          connection,
          database.dialect().waitingAtMost(Duration.ZERO)
              + "UPDATE "
              + shardTable
              + " SET owner = ?, epoch = epoch + 1, lease_until = "
              + database.dialect().nowPlusMillis()
              + " WHERE shard = ? AND"
              + expired,
          node,
          lease,
          shard);
    } catch (SQLException e) {
      if (!SqlErrors.isLockTimeout(e)) {
        throw e;
      }
    }
  }

  /** Gives all shards back, so that the next owner need not wait for the lease to end. */
  void releaseAll(Connection connection) throws SQLException {
    ownership.set(ShardOwnership.none(time.nanoTime()));
    update(
        connection,
        "UPDATE "
            + shardTable
            + " SET owner = NULL, lease_until = "
            + database.dialect().now()
            + " WHERE owner = ?",
        node);
    update(connection, "DELETE FROM " + nodeTable + " WHERE node = ?", node);
  }

  /**
   * The relay's thread has nothing of these shards any more and, as it saw, shall not read them.
   */
  void reportDrained(ShardOwnership seen, Set<Integer> shards) {
    drained.set(new Drained(seen, Set.copyOf(shards)));
  }

  /**
   * Locks the shard's row for a deciding write; false if it is no longer ours. On PostgreSQL the
   * server ends a transaction that then stands still for a lease, so that another can take the
   * shard.
   */
  boolean fence(Connection connection, ShardOwnership seen, int shard) throws SQLException {
    Long epoch = seen.epochs().get(shard);
    if (epoch == null) {
      return false;
    }
    boolean ours;
    try (PreparedStatement select =
        connection.prepareStatement(
            "SELECT "
                + (database.dialect() == SqlDialect.POSTGRESQL ? idleTimeout() : "1")
                + " FROM "
                + shardTable
                + " WHERE shard = ? AND owner = ? AND epoch = ? FOR UPDATE")) {
      RowTables.bind(select, shard, node, epoch);
      try (ResultSet row = select.executeQuery()) {
        ours = row.next();
      }
    }
    if (!ours) {
      recordLoss(shard, epoch);
    }
    return ours;
  }

  private String idleTimeout() {
    long millis = config.leaseTime().toMillis();
    return "set_config('idle_in_transaction_session_timeout', '" + millis + "', true)";
  }

  /** Drops the shards whose epoch has changed; called in each acknowledgement's transaction. */
  void compareEpochs(Connection connection, ShardOwnership seen) throws SQLException {
    compareEpochs(readEpochs(connection), seen);
  }

  /** As above, with the epochs of this node's shards as an acknowledgement returned them. */
  void compareEpochs(Map<Integer, Long> now, ShardOwnership seen) {
    seen.epochs()
        .forEach(
            (shard, epoch) -> {
              if (!epoch.equals(now.get(shard))) {
                recordLoss(shard, epoch);
              }
            });
  }

  /** How many shards this relay has found taken from it. */
  long losses() {
    return losses.get();
  }

  private void recordLoss(int shard, long epoch) {
    ShardOwnership before =
        ownership.getAndUpdate(now -> now.owns(shard, epoch) ? now.without(shard) : now);
    if (before.owns(shard, epoch)) {
      losses.incrementAndGet();
    }
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
      RowTables.bind(select, parameters);
      try (ResultSet row = select.executeQuery()) {
        row.next();
        return row.getInt(1);
      }
    }
  }

  private static int update(Connection connection, String sql, Object... parameters)
      throws SQLException {
    return RowTables.update(connection, sql, parameters);
  }
}
