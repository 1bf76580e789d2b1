package io.commslib.outbox;

import io.commslib.core.hash.Fnv1a;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;

/**
 * Locks that admit one writer of a key at a time, until its transaction ends. Keys may share a
 * lock, and then their writers wait for each other. Immutable.
 */
abstract class KeyLocks {

  private static final int SLOTS = 4_096;

  private final String table;

  private KeyLocks(String table) {
    this.table = table;
  }

  static KeyLocks of(JdbcDatabase database) {
    return database.dialect() == SqlDialect.POSTGRESQL
        ? new AdvisoryLocks(database)
        : new RowLocks(database);
  }

  /** Takes the lock of a key. Blocks while another transaction has it. */
  final void lock(Connection connection, String key) throws SQLException {
    lock(connection, hash(table, key));
  }

  abstract void lock(Connection connection, long hash) throws SQLException;

  /** Includes the table's name: advisory locks are shared by all schemas of a database. */
  static long hash(String table, String key) {
    return Fnv1a.hash64((table + '\n' + key).getBytes(StandardCharsets.UTF_8));
  }

  static int slot(long hash) {
    return Math.floorMod((int) (hash >>> 32), SLOTS);
  }

  private static void lock(PreparedStatement lock) throws SQLException {
    lock.executeQuery().close();
  }

  /** PostgreSQL: advisory locks. */
  private static final class AdvisoryLocks extends KeyLocks {

    AdvisoryLocks(JdbcDatabase database) {
      super(database.table("outbox_key_lock"));
    }

    @Override
    void lock(Connection connection, long hash) throws SQLException {
      try (PreparedStatement lock =
          connection.prepareStatement("SELECT pg_advisory_xact_lock(?)")) {
        lock.setLong(1, hash);
        KeyLocks.lock(lock);
      }
    }
  }

  /**
   * Other databases: rows of a table. The schema script creates all of them, because transactions
   * that wait for each other's inserts could deadlock.
   */
  private static final class RowLocks extends KeyLocks {

    private final String sql;

    RowLocks(JdbcDatabase database) {
      super(database.table("outbox_key_lock"));
      this.sql =
          new OutboxSql(database).text("SELECT slot FROM @key_lock WHERE slot = ? FOR UPDATE");
    }

    @Override
    void lock(Connection connection, long hash) throws SQLException {
      try (PreparedStatement lock = connection.prepareStatement(sql)) {
        lock.setInt(1, slot(hash));
        KeyLocks.lock(lock);
      }
    }
  }
}
