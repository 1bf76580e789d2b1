package io.commslib.spring;

import io.commslib.testkit.servers.MariaDbServer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;
import org.mariadb.jdbc.MariaDbDataSource;

class MariaDbConnectionStateIT extends ConnectionStateContract {

  private final MariaDbServer server = MariaDbServer.shared();

  @Override
  SessionState kind() {
    return SessionState.MARIADB;
  }

  @Override
  Connection open() throws SQLException {
    return DriverManager.getConnection(server.jdbcUrl(), server.user(), server.password());
  }

  @Override
  List<String> unusual() {
    return List.of(
        "CREATE DATABASE IF NOT EXISTS elsewhere",
        "USE elsewhere",
        "SET innodb_lock_wait_timeout = 7",
        "SET max_statement_time = 60",
        "SET time_zone = '+05:00'");
  }

  @Override
  DataSource unobserved() {
    try {
      MariaDbDataSource source = new MariaDbDataSource();
      source.setUrl(server.jdbcUrl());
      source.setUser(server.user());
      source.setPassword(server.password());
      return source;
    } catch (SQLException e) {
      throw new AssertionError(e);
    }
  }
}
