package io.commslib.idempotency;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.testkit.servers.PostgresServer;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class PostgresInboxIT extends JdbcInboxContract {

  private static HikariDataSource pool;

  @BeforeAll
  static void open() {
    pool = new HikariDataSource();
    PostgresServer server = PostgresServer.shared();
    pool.setJdbcUrl(server.jdbcUrl());
    pool.setUsername(server.user());
    pool.setPassword(server.password());
  }

  @AfterAll
  static void close() {
    pool.close();
  }

  @Override
  protected DataSource dataSource() {
    return pool;
  }
}
