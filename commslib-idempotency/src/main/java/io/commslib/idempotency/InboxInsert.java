package io.commslib.idempotency;

import io.commslib.jdbc.JdbcDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/** What differs between databases about entering messages into the inbox. */
interface InboxInsert {

  /** Enters one id; false if it is there already. */
  boolean enter(Connection connection, String consumer, String id) throws SQLException;

  /**
   * Enters ids that are sorted and different from each other; returns those that were not there.
   */
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
