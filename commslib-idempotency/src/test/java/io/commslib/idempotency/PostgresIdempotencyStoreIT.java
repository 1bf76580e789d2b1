package io.commslib.idempotency;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.jdbc.TestDatabases;
import io.commslib.testkit.servers.PostgresServer;

class PostgresIdempotencyStoreIT extends JdbcIdempotencyStoreContract {

  @Override
  protected HikariDataSource newPool() {
    PostgresServer server = PostgresServer.shared();
    return TestDatabases.pool(server.jdbcUrl(), server.user(), server.password());
  }
}
