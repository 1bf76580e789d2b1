package io.commslib.idempotency;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/** Inserts inbox entries; one implementation for each kind of database. */
interface InboxInsert {

  /** Enters one id; returns false if it exists already. */
  boolean enter(Connection connection, String consumer, String id) throws SQLException;

  /** Enters sorted, distinct ids; returns those that did not exist. */
  Set<String> enterAll(Connection connection, String consumer, List<String> ids)
      throws SQLException;

  static InboxInsert of(JdbcDatabase database, Duration lockTimeout) {
    return switch (database.dialect()) {
      case H2 -> new H2InboxInsert(database, lockTimeout);
      case MARIADB, MYSQL -> new MySqlInboxInsert(database, lockTimeout);
      case POSTGRESQL -> new PostgresInboxInsert(database, lockTimeout);
    };
  }
}
