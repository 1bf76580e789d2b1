package io.commslib.saga;

import com.zaxxer.hikari.HikariDataSource;
import io.commslib.testkit.servers.PostgresServer;
import javax.sql.DataSource;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

class PostgresSagaEngineIT extends SagaEngineContract {

  private static HikariDataSource pool;

  @BeforeAll
  static void open() {
    PostgresServer server = PostgresServer.shared();
    pool = new HikariDataSource();
    pool.setJdbcUrl(server.jdbcUrl());
    pool.setUsername(server.user());
    pool.setPassword(server.password());
  }

  @AfterAll
  static void closePool() {
    pool.close();
  }

  @Override
  protected DataSource dataSource() {
    return pool;
  }
}
