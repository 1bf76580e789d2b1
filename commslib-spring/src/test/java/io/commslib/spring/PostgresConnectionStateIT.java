package io.commslib.spring;

import io.commslib.testkit.servers.PostgresServer;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import javax.sql.DataSource;
import org.postgresql.ds.PGSimpleDataSource;

class PostgresConnectionStateIT extends ConnectionStateContract {

  private final PostgresServer server = PostgresServer.shared();

  @Override
  SessionState kind() {
    return SessionState.POSTGRESQL;
  }

  @Override
  Connection open() throws SQLException {
    return DriverManager.getConnection(server.jdbcUrl(), server.user(), server.password());
  }

  @Override
  List<String> unusual() {
    return List.of(
        "CREATE SCHEMA IF NOT EXISTS elsewhere",
        "SET search_path TO elsewhere",
        "SET lock_timeout TO 4321",
        "SET statement_timeout TO 54321",
        "SET idle_in_transaction_session_timeout TO 65432",
        "SET jit TO on",
        "SET synchronous_commit TO local");
  }

  @Override
  DataSource unobserved() {
    PGSimpleDataSource source = new PGSimpleDataSource();
    source.setUrl(server.jdbcUrl());
    source.setUser(server.user());
    source.setPassword(server.password());
    return source;
  }
}
