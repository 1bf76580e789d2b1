package io.commslib.idempotency;

import io.commslib.testkit.servers.MariaDbServer;

class MariaDbBlockedKeysIT extends JdbcBlockedKeysContract {

  @Override
  protected String[] login() {
    MariaDbServer server = MariaDbServer.shared();
    return new String[] {server.jdbcUrl(), server.user(), server.password()};
  }
}
