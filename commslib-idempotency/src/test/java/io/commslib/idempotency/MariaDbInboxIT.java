package io.commslib.idempotency;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.jdbc.TestDatabases;
import io.commslib.testkit.servers.MariaDbServer;

class MariaDbInboxIT extends JdbcInboxContract {

  @Override
  protected HikariDataSource newPool() {
    MariaDbServer server = MariaDbServer.shared();
    return TestDatabases.pool(server.jdbcUrl(), server.user(), server.password());
  }
}
