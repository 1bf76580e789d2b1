package io.commslib.idempotency;

import static org.assertj.core.api.Assertions.assertThat;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.jdbc.JdbcDatabase;
import io.commslib.jdbc.TestDatabases;
import io.commslib.testkit.servers.PostgresServer;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PostgresInboxIT extends JdbcInboxContract {

  @Override
  protected HikariDataSource newPool() {
    PostgresServer server = PostgresServer.shared();
    return TestDatabases.pool(server.jdbcUrl(), server.user(), server.password());
  }

  /**
   * An index sorted by a locale becomes corrupt when the operating system changes its sort order.
   */
  @Test
  void uniqueIndexesOfTextDoNotDependOnALocale() throws SQLException {
    Map<String, String> collations = new TreeMap<>();
    try (HikariDataSource pool = newPool()) {
      JdbcDatabase database = JdbcDatabase.builder(pool).schema("collated").build();
      InboxSchema.scripts().apply(database);
      BlockedKeysSchema.scripts().apply(database);
      try (Connection connection = pool.getConnection();
          Statement statement = connection.createStatement();
          ResultSet row =
              statement.executeQuery(
                  "SELECT c.relname || '.' || a.attname, l.collname FROM pg_index i"
                      + " JOIN pg_class c ON c.oid = i.indrelid"
                      + " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY (i.indkey)"
                      + " JOIN pg_collation l ON l.oid = a.attcollation"
                      + " WHERE c.relnamespace = 'collated'::regnamespace AND i.indisunique"
                      + " AND c.relname <> 'commslib_schema'")) {
        while (row.next()) {
          collations.put(row.getString(1), row.getString(2));
        }
      }
    }
    assertThat(collations)
        .containsKeys(
            "inbox.consumer",
            "inbox.message_id",
            "idempotency.scope",
            "idempotency.request_key",
            "held_keys.consumer",
            "held_keys.lane_key");
    assertThat(collations.values()).containsOnly("C");
  }
}
