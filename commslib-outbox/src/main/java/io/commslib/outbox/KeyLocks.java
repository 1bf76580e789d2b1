package io.commslib.outbox;

import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.SqlDialect;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;

/**
 * One writer of a key at a time, until its transaction ends: an advisory lock on PostgreSQL, a row
 * of a table elsewhere. Keys may share a lock; then they only wait for each other.
 */
final class KeyLocks {

  private static final int SLOTS = 4_096;

  private final JdbcDatabase database;
  private final String table;

  KeyLocks(JdbcDatabase database) {
    this.database = database;
    this.table = database.table("outbox_key_lock");
  }

  void take(Connection connection, String key) throws SQLException {
    if (database.dialect() == SqlDialect.POSTGRESQL) {
      try (PreparedStatement lock =
          connection.prepareStatement("SELECT pg_advisory_xact_lock(?)")) {
        lock.setLong(1, hash(key));
        lock.executeQuery().close();
      }
      return;
    }
    // The schema's script makes all rows: who waited for an insert could end in a deadlock.
    try (PreparedStatement lock =
        connection.prepareStatement("SELECT slot FROM " + table + " WHERE slot = ? FOR UPDATE")) {
      lock.setInt(1, Math.floorMod((int) (hash(key) >>> 32), SLOTS));
      lock.executeQuery().close();
    }
  }

  /** Schemas do not share locks on PostgreSQL, where they are one space for the database. */
  private long hash(String key) {
    long hash = 0xcbf29ce484222325L;
    for (byte b : (table + '\n' + key).getBytes(StandardCharsets.UTF_8)) {
      hash = (hash ^ (b & 0xff)) * 0x100000001b3L;
    }
    return hash;
  }
}
