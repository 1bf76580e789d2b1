package io.commslib.idempotency;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.testkit.servers.MariaDbServer;

class MariaDbIdempotencyStoreIT extends JdbcIdempotencyStoreContract {

  @Override
  protected HikariDataSource newPool() {
    MariaDbServer server = MariaDbServer.shared();
    return TestDatabases.pool(server.jdbcUrl(), server.user(), server.password());
  }
}
