package io.commslib.idempotency.heldkeys;

import io.commslib.testkit.servers.PostgresServer;

class PostgresHeldKeysIT extends JdbcHeldKeysContract {

  @Override
  protected String[] login() {
    PostgresServer server = PostgresServer.shared();
    return new String[] {server.jdbcUrl(), server.user(), server.password()};
  }
}
