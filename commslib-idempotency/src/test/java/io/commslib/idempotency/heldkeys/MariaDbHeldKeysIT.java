package io.commslib.idempotency.heldkeys;

import io.commslib.testkit.servers.MariaDbServer;

class MariaDbHeldKeysIT extends JdbcHeldKeysContract {

  @Override
  protected String[] login() {
    MariaDbServer server = MariaDbServer.shared();
    return new String[] {server.jdbcUrl(), server.user(), server.password()};
  }
}
