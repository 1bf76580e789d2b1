package io.commslib.idempotency;

import io.commslib.testkit.servers.PostgresServer;

class PostgresBlockedKeysIT extends JdbcBlockedKeysContract {

  @Override
  protected String[] login() {
    PostgresServer server = PostgresServer.shared();
    return new String[] {server.jdbcUrl(), server.user(), server.password()};
  }
}
